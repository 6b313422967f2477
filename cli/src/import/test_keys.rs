//! Keys of imported accounts. **For test data only**: anyone can derive them from an address.
//!
//! Seed = keccak256("sheaf test key 1" ‖ address), for operator and market maker keccak256("sheaf test key 1, operator")
//! and the like.

use sha3::{Digest, Keccak256};
use sheaf_circuits::context::ContractAddress;
use sheaf_circuits::signature::SecretKey;

/// What every output says that rests on these keys.
pub const WARNING: &str = "test data: every key is derived from a public address, so anyone can spend these funds";

const TAG: &[u8] = b"sheaf test key 1";

/// The key of an address.
pub fn of_address(address: &ContractAddress) -> SecretKey {
    seeded(&address.0)
}

/// The operator's key.
pub fn operator() -> SecretKey {
    seeded(b", operator")
}

/// The market maker's key.
pub fn market_maker() -> SecretKey {
    seeded(b", market maker")
}

fn seeded(name: &[u8]) -> SecretKey {
    SecretKey::from_seed(&Keccak256::new().chain_update(TAG).chain_update(name).finalize().into())
}
