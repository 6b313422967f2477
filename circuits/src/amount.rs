//! Amounts and fees.
//!
//! An amount is a number of quanta below 2^62: a balance is one field element, and the sum of two does not wrap in F.
//! One transaction moves less than 2^56 quanta. A fee is a decimal floating-point number of 24 bits that stands for
//! an exact number of quanta.

pub mod circuit;

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Bits of a balance.
pub const BALANCE_BITS: usize = 62;
/// Bits of what one L2 transaction moves.
pub const TRANSFER_BITS: usize = 56;
/// The bits of an amount that fit one word of a record.
pub const WORD_MASK: u64 = (1 << TRANSFER_BITS) - 1;
/// Bits of a fee's mantissa.
pub const FEE_MANTISSA_BITS: usize = 19;
/// Bits of a fee's decimal exponent.
pub const FEE_EXPONENT_BITS: usize = 5;
/// The largest exponent: (2^19 − 1) · 10^11 < 2^56, and 10^12 would let a fee pass the amount of a transfer.
pub const FEE_EXPONENT_MAX: u32 = 11;

const _: () = assert!(((1u64 << FEE_MANTISSA_BITS) - 1) * 10u64.pow(FEE_EXPONENT_MAX) < 1 << TRANSFER_BITS);

/// A number of quanta, below 2^62.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Quanta(u64);

impl Quanta {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount, 2^62 − 1.
    pub const MAX: Self = Self((1 << BALANCE_BITS) - 1);
    /// The most that one transaction moves, 2^56 − 1.
    pub const MAX_TRANSFER: Self = Self((1 << TRANSFER_BITS) - 1);

    /// `value` quanta, if that is below 2^62.
    pub const fn new(value: u64) -> Option<Self> {
        if value <= Self::MAX.0 {
            Some(Self(value))
        } else {
            None
        }
    }

    /// The number of quanta.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The sum, if it is below 2^62.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::new(self.0 + other.0)
    }

    /// The difference, if it is not negative.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl fmt::Display for Quanta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Quanta> for u64 {
    fn from(amount: Quanta) -> u64 {
        amount.0
    }
}

impl TryFrom<u64> for Quanta {
    type Error = AmountOutOfRange;

    fn try_from(value: u64) -> Result<Self, AmountOutOfRange> {
        Self::new(value).ok_or(AmountOutOfRange { value, bits: BALANCE_BITS })
    }
}

/// An amount with too many bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("amount {value} is out of range, expected less than 2^{bits}")]
pub struct AmountOutOfRange {
    /// The value found.
    pub value: u64,
    /// The width it has to fit.
    pub bits: usize,
}

/// A fee in quanta of asset 0, written as mantissa · 10^exponent.
///
/// Encoding, 24 bits: mantissa · 2^5 + exponent, with the smallest exponent that represents the fee. So one fee has
/// one encoding, and an exponent above zero implies a mantissa of at least [`Fee::NORMAL_MANTISSA`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Fee {
    quanta: u64,
}

impl Fee {
    /// No fee.
    pub const ZERO: Self = Self { quanta: 0 };
    /// The smallest mantissa under an exponent above zero: ten times less would fit with a smaller exponent.
    pub const NORMAL_MANTISSA: u64 = (1u64 << FEE_MANTISSA_BITS).div_ceil(10);

    /// The fee of `quanta` quanta, if it can be represented.
    pub fn new(quanta: u64) -> Result<Self, FeeError> {
        let fee = Self { quanta };
        fee.split().map(|_| fee).ok_or(FeeError::NotRepresentable { quanta, nearest: Self::floor(quanta).quanta })
    }

    /// The largest fee that can be represented and is not above `quanta`.
    pub fn floor(quanta: u64) -> Self {
        let mut power = 1;
        for _ in 0..=FEE_EXPONENT_MAX {
            if quanta / power < 1 << FEE_MANTISSA_BITS {
                return Self { quanta: quanta / power * power };
            }
            power *= 10;
        }
        Self { quanta: ((1 << FEE_MANTISSA_BITS) - 1) * 10u64.pow(FEE_EXPONENT_MAX) }
    }

    /// Decodes 24 bits; refuses a second spelling of the same fee.
    pub fn decode(bits: u32) -> Result<Self, FeeError> {
        let (mantissa, exponent) = (u64::from(bits >> FEE_EXPONENT_BITS), bits & ((1 << FEE_EXPONENT_BITS) - 1));
        if mantissa >> FEE_MANTISSA_BITS != 0 || exponent > FEE_EXPONENT_MAX {
            return Err(FeeError::OutOfRange { bits });
        }
        if exponent > 0 && mantissa < Self::NORMAL_MANTISSA {
            return Err(FeeError::NotNormal { mantissa, exponent });
        }
        Ok(Self { quanta: mantissa * 10u64.pow(exponent) })
    }

    /// The 24 bits of the fee.
    pub fn encode(self) -> u32 {
        let (mantissa, exponent) = self.parts();
        (mantissa as u32) << FEE_EXPONENT_BITS | exponent
    }

    /// Mantissa and exponent.
    pub fn parts(self) -> (u64, u32) {
        self.split().expect("every constructor checked that the fee can be represented")
    }

    /// The fee in quanta, below 2^56.
    pub const fn quanta(self) -> u64 {
        self.quanta
    }

    fn split(self) -> Option<(u64, u32)> {
        let mut mantissa = self.quanta;
        for exponent in 0..=FEE_EXPONENT_MAX {
            if mantissa < 1 << FEE_MANTISSA_BITS {
                return Some((mantissa, exponent));
            }
            if !mantissa.is_multiple_of(10) {
                return None;
            }
            mantissa /= 10;
        }
        None
    }
}

impl fmt::Display for Fee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.quanta.fmt(f)
    }
}

impl From<Fee> for u64 {
    fn from(fee: Fee) -> u64 {
        fee.quanta
    }
}

impl TryFrom<u64> for Fee {
    type Error = FeeError;

    fn try_from(quanta: u64) -> Result<Self, FeeError> {
        Self::new(quanta)
    }
}

/// Why a number is not a fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FeeError {
    /// No mantissa and exponent give this fee exactly.
    #[error("fee {quanta} is not a 19-bit mantissa times a power of ten up to 10^11; the nearest below is {nearest}")]
    NotRepresentable {
        /// The fee asked for.
        quanta: u64,
        /// The next lower fee that can be represented.
        nearest: u64,
    },
    /// The 24 bits hold an exponent above 11, or there are more than 24.
    #[error("fee bits {bits:#x} have an exponent above 11 or more than 24 bits")]
    OutOfRange {
        /// The bits found.
        bits: u32,
    },
    /// A smaller exponent would represent the same fee.
    #[error("fee mantissa {mantissa} with exponent {exponent} has a shorter spelling with a smaller exponent")]
    NotNormal {
        /// The mantissa found.
        mantissa: u64,
        /// The exponent found.
        exponent: u32,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn limits() {
        assert_eq!(Quanta::new(1 << 62), None);
        assert_eq!(Quanta::MAX.checked_add(Quanta(1)), None);
        assert_eq!(Fee::NORMAL_MANTISSA, 52_429);
        let top = ((1 << 19) - 1) * 10u64.pow(11);
        assert_eq!(Fee::new(top).map(Fee::quanta), Ok(top));
        assert_eq!(Fee::floor(u64::MAX).quanta(), top);
        assert!(Fee::new(524_289).is_err());
        assert!(Fee::new((1 << 19) * 10u64.pow(11)).is_err());
    }

    proptest! {
        #[test]
        fn decode_accepts_what_encode_gives_and_nothing_else(bits in 0u32..1 << 25) {
            if let Ok(fee) = Fee::decode(bits) {
                prop_assert_eq!(fee.encode(), bits);
                prop_assert_eq!(Fee::new(fee.quanta()), Ok(fee));
            }
        }

        #[test]
        fn floor_is_the_largest_fee_below(quanta in any::<u64>()) {
            let fee = Fee::floor(quanta);
            prop_assert!(fee.quanta() <= quanta);
            prop_assert_eq!(Fee::decode(fee.encode()), Ok(fee));
        }
    }
}
