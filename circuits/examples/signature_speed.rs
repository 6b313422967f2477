//! Prints what signatures cost natively: `RAYON_NUM_THREADS=1 cargo run --release --example signature_speed`.
//!
//! One thread, so that a batch's figure is time per signature and core. One Poseidon permutation, about 1.0 µs
//! on an idle machine, tells how busy the machine is.

use std::hint::black_box;
use std::time::{Duration, Instant};

use plonky2::field::types::Field;
use sheaf_circuits::curve::Point;
use sheaf_circuits::hash::{hash_cell, Digest, F};
use sheaf_circuits::signature::{challenge, verify_batch, Claim, SecretKey};

/// How long each figure is measured for.
const SPAN: Duration = Duration::from_millis(200);

fn measure<T>(name: &str, units: usize, mut work: impl FnMut() -> T) {
    black_box(work());
    let start = Instant::now();
    let mut runs = 0;
    while start.elapsed() < SPAN {
        black_box(work());
        runs += 1;
    }
    println!("{name:28}{:9.2} µs", start.elapsed().as_secs_f64() * 1e6 / (runs * units) as f64);
}

fn claim(key: u64, message: u64) -> Claim {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&key.to_le_bytes());
    let key = SecretKey::from_seed(&seed);
    let message = Digest([F::from_canonical_u64(message); 4]);
    Claim { key: *key.public(), message, signature: key.sign(message) }
}

fn main() {
    let Claim { key, message, signature } = claim(0, 0);
    let secret = SecretKey::from_seed(&[0; 32]);
    measure("Poseidon permutation", 1, || hash_cell(black_box(&[F::ONE; 8])));
    measure("challenge", 1, || challenge(signature.r, &key, message));
    measure("decode a point", 1, || signature.r_point());
    measure("multiply the generator", 1, || Point::mul_generator(signature.s));
    measure("multiply a point", 1, || key.point().mul(signature.s));
    measure("sign", 1, || secret.sign(message));
    measure("verify one", 1, || key.verify(message, &signature));
    for count in [100, 256, 1000, 2000] {
        for keys in [count, count / 10] {
            let claims: Vec<_> = (0..count).map(|i| claim((i % keys) as u64, i as u64)).collect();
            let name = format!("batch of {count} by {keys} keys");
            measure(&name, count, || assert!(verify_batch(&claims)));
        }
    }
}
