//! Keys of the test accounts.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use sheaf_circuits::hash::Digest;
use sheaf_circuits::signature::{SecretKey, Signature};
use sheaf_circuits::transaction::Authorization;

/// A key takes longer to make than most tests, and there are few.
static KEYS: LazyLock<Mutex<HashMap<u32, (SecretKey, Digest, Signature)>>> = LazyLock::new(Mutex::default);

fn with_key<T>(index: u32, work: impl FnOnce(&SecretKey, Digest, Signature) -> T) -> T {
    let mut keys = KEYS.lock().unwrap();
    let (key, hash, signature) = keys.entry(index).or_insert_with(|| {
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&index.to_be_bytes());
        let key = SecretKey::from_seed(&seed);
        let (hash, signature) = (key.public().hash(), key.sign(Digest::ZERO));
        (key, hash, signature)
    });
    work(key, *hash, *signature)
}

pub fn key_hash(index: u32) -> Digest {
    with_key(index, |_, hash, _| hash)
}

/// The account's key with some signature: for tests that skip the checks of signatures.
pub fn authorize(index: u32) -> Authorization {
    with_key(index, |key, _, signature| Authorization { public_key: *key.public(), signature })
}

/// The account's key with its signature of `message`.
pub fn sign(index: u32, message: Digest) -> Authorization {
    with_key(index, |key, _, _| Authorization { public_key: *key.public(), signature: key.sign(message) })
}
