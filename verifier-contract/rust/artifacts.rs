//! What the contracts compile to: committed, so that deploying needs no compiler, and rebuilt by a test.
//!
//! Each is a JSON object with `abi`, and `bytecode` in hexadecimal: the constructor's code, to which its ABI-encoded
//! arguments are appended.

/// Checks proofs. Its one argument is the verifying key.
pub const GROTH16_VERIFIER: &str = include_str!("../artifacts/Groth16Verifier.json");

/// The rollup. Its one argument is `Rollup.Config`.
pub const ROLLUP: &str = include_str!("../artifacts/Rollup.json");
