//! Files of [snarkjs](https://github.com/iden3/snarkjs) 0.7.6: circuit and witness.
//!
//! Source of the formats: npm packages snarkjs 0.7.6 (`wtns_utils.js`), r1csfile 0.0.48,
//! @iden3/binfileutils 0.0.12.

mod binfile;
mod export;

pub use self::export::{write_r1cs, write_wtns};
