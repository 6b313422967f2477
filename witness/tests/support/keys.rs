//! Keys of the test accounts.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use sheaf_circuits::hash::Digest;
use sheaf_circuits::signature::{SecretKey, Signature};
use sheaf_circuits::transaction::Authorization;

/// A key takes longer to make than most tests, and there are few.
static KEYS: LazyLock<Mutex<HashMap<u32, TestKey>>> = LazyLock::new(Mutex::default);

struct TestKey {
    secret: SecretKey,
    hash: Digest,
    some_signature: Signature,
}

fn with_key<T>(index: u32, work: impl FnOnce(&TestKey) -> T) -> T {
    let mut keys = KEYS.lock().unwrap();
    let key = keys.entry(index).or_insert_with(|| {
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&index.to_be_bytes());
        let secret = SecretKey::from_seed(&seed);
        TestKey { hash: secret.public().hash(), some_signature: secret.sign(Digest::ZERO), secret }
    });
    work(key)
}

pub fn key_hash(index: u32) -> Digest {
    with_key(index, |key| key.hash)
}

/// The account's key with some signature: for tests that skip the checks of signatures.
pub fn authorize(index: u32) -> Authorization {
    with_key(index, |key| Authorization { public_key: *key.secret.public(), signature: key.some_signature })
}

/// The account's key with its signature of `message`.
pub fn sign(index: u32, message: Digest) -> Authorization {
    with_key(index, |key| Authorization { public_key: *key.secret.public(), signature: key.secret.sign(message) })
}
