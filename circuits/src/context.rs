//! Where and when a batch is: the domain that signatures are bound to, and the context of one batch.

use plonky2::field::types::Field;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::account::AccountIndex;
use crate::hash::{hash_tagged, tag, Digest, F};

/// Tag of the domain digest.
pub const TAG_DOMAIN: u64 = tag("sf.dom");
/// Tag of the context digest.
pub const TAG_CONTEXT: u64 = tag("sf.ctx");

/// Chain ids and timestamps stay below 2^56, so each is one element, and one word.
pub const CONTEXT_FIELD_BITS: usize = 56;

/// An L1 contract's address, 20 bytes. As elements: five 32-bit big-endian numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct ContractAddress(pub [u8; 20]);

impl ContractAddress {
    fn elements(self) -> [F; 5] {
        std::array::from_fn(|i| {
            let bytes = self.0[4 * i..4 * i + 4].try_into().expect("four bytes");
            F::from_canonical_u32(u32::from_be_bytes(bytes))
        })
    }
}

impl From<ContractAddress> for String {
    fn from(address: ContractAddress) -> String {
        format!("0x{}", hex::encode(address.0))
    }
}

impl TryFrom<String> for ContractAddress {
    type Error = ContextError;

    fn try_from(text: String) -> Result<Self, ContextError> {
        let mut bytes = [0; 20];
        text.strip_prefix("0x")
            .and_then(|digits| hex::decode_to_slice(digits, &mut bytes).ok())
            .map(|()| Self(bytes))
            .ok_or(ContextError::Address { text })
    }
}

impl Serialize for ContractAddress {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&String::from(*self))
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for ContractAddress {
    fn deserialize<De: serde::Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        if deserializer.is_human_readable() {
            Self::try_from(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
        } else {
            <[u8; 20]>::deserialize(deserializer).map(Self)
        }
    }
}

/// The rollup that a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// The L1's chain id, below 2^56.
    pub chain_id: u64,
    /// The rollup contract.
    pub contract: ContractAddress,
}

impl Domain {
    /// Elements of the preimage, tag excluded.
    pub const LEN: usize = 6;

    /// (chain id, contract\[5\]).
    pub fn elements(&self) -> [F; Self::LEN] {
        let mut elements = [F::from_canonical_u64(self.chain_id); Self::LEN];
        elements[1..].copy_from_slice(&self.contract.elements());
        elements
    }

    /// H(tag, chain id, contract). Every signed message begins with it.
    pub fn digest(&self) -> Digest {
        hash_tagged(TAG_DOMAIN, &self.elements())
    }
}

/// What all transactions of one batch share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// The rollup.
    pub domain: Domain,
    /// The batch's number, counted from 1.
    pub batch_number: u32,
    /// The account that the fees go to.
    pub operator: AccountIndex,
    /// When the batch was sealed, in seconds since 1970, below 2^56.
    pub timestamp_s: u64,
}

impl Context {
    /// Elements of the preimage, tag excluded.
    pub const LEN: usize = Domain::LEN + 3;
    /// Position of the batch's number in the preimage.
    pub const BATCH_NUMBER: usize = Domain::LEN;
    /// Position of the timestamp in the preimage.
    pub const TIMESTAMP: usize = Domain::LEN + 2;
    /// Position of the operator's index in the preimage.
    pub const OPERATOR: usize = Domain::LEN + 1;

    /// (chain id, contract\[5\], batch number, operator, timestamp).
    pub fn elements(&self) -> [F; Self::LEN] {
        let mut elements = [F::ZERO; Self::LEN];
        elements[..Domain::LEN].copy_from_slice(&self.domain.elements());
        elements[Self::BATCH_NUMBER] = F::from_canonical_u32(self.batch_number);
        elements[Self::OPERATOR] = F::from_canonical_u32(self.operator.get());
        elements[Self::TIMESTAMP] = F::from_canonical_u64(self.timestamp_s);
        elements
    }

    /// H(tag, chain id, contract, batch number, operator, timestamp).
    pub fn digest(&self) -> Digest {
        hash_tagged(TAG_CONTEXT, &self.elements())
    }

    /// Checks the widths that [`Self::elements`] relies on.
    pub fn check(&self) -> Result<(), ContextError> {
        for (field, value) in [("chain_id", self.domain.chain_id), ("timestamp_s", self.timestamp_s)] {
            if value >> CONTEXT_FIELD_BITS != 0 {
                return Err(ContextError::TooWide { field, value });
            }
        }
        Ok(())
    }
}

/// Why a context is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ContextError {
    /// Not 0x and 40 hexadecimal digits.
    #[error("{text:?} is not a contract address, expected 0x and 40 hexadecimal digits")]
    Address {
        /// The text found.
        text: String,
    },
    /// A number of 2^56 or more.
    #[error("{field} is {value}, expected less than 2^56")]
    TooWide {
        /// The field.
        field: &'static str,
        /// The value found.
        value: u64,
    },
}
