//! Files of [snarkjs](https://github.com/iden3/snarkjs) 0.7.6: circuit, witness, keys, proofs.
//!
//! ```text
//!   R1cs ──write_r1cs──▶ circuit.r1cs ──ceremony──▶ final.zkey ──import──▶ Key
//!     └────write_wtns──▶ witness.wtns     └──snarkjs groth16 prove──▶ proof.json ──read_proof──▶ Proof
//!   Proof, VerifyingKey ──*_json──▶ proof.json, public.json, verification_key.json ──▶ snarkjs groth16 verify
//! ```
//!
//! Source of the formats: npm packages snarkjs 0.7.6 (`zkey_utils.js`, `zkey_new.js`, `wtns_utils.js`), r1csfile 0.0.48,
//! @iden3/binfileutils 0.0.12.

mod binfile;
mod export;
pub mod json;
pub mod zkey;

pub use self::export::{write_r1cs, write_wtns};
pub use self::json::{proof_json, public_json, read_proof, verifying_key_json};
pub use self::zkey::{import, ZkeyError};
