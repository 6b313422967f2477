//! The parameters of every plonky2 circuit, and how sound they are.
//!
//! Two [`Profile`]s. Their parameters are here and nowhere else; what they are worth is counted by
//! [`soundness::soundness`], from the circuit itself.
//!
//! | | fast | proven |
//! | --- | --- | --- |
//! | rate, cap height, folding | 1/8, 4, by 16 | the same |
//! | queries, bits of work | 28, 16 | chunk 98, 20; lift and join 102, 16 |
//! | challenges of the base field | 2 | 3 |
//!
//! Why *proven* has these values:
//!
//! - Rate 1/8 is the highest that constraints of degree 8 admit (Poseidon's are of degree 7), and a lower one makes
//!   each row dearer: unique decoding never brings more than one bit a query, and 1/8 brings 0.83.
//! - Unique decoding, because over F_p² no proven bound for the Johnson regime leaves 100 bits to the commit phase at
//!   these sizes: 2020/654 loses the square of the domain, 2025/2055 a constant of about 2^13.
//! - At 2^16 rows combining some 280 polynomials costs 2^-100.9 by itself, so *a chunk has at most 2^16 rows*, and the
//!   rest has to fit in what that leaves of 2^-100: 98 queries with 20 bits of work.
//! - A lift or join has at most 2^15 rows, which leaves more. Bits of work cost time here (2^20 permutations are half
//!   a second on two cores), queries cost rows in the next layer (about 150 each). A chunk takes long and is verified two at
//!   a time by circuits that are nearly full, so it works more; lifts and joins have rows to spare, so they work less.
//! - Three challenges: two leave the permutation argument at 83 bits.
//!
//! # After the join
//!
//! A Groth16 circuit pays some 50 000 constraints for each query, so shrink cannot have the hundred queries that unique
//! decoding needs for 100 bits; and in the Johnson regime, where 28 do, F_p² is too small: combining some 250 polynomials
//! costs 2^-84.6 at 2^12 rows and rate 1/64, whatever the queries. *So each of these layers has 83 bits by proven
//! bounds* ([`SHRINK_BITS`]) *and all together*, whose errors add up, *82*, with both profiles; a fast proof below has less.
//! The bound is that of eprint 2025/2055; by 2020/654 they have 62 to 67, and by unique decoding 43 to 60. The layers between
//! are chosen to lose no more than a bit each:
//!
//! | | rows | rate | queries, work | challenges | routed wires | folding | bits |
//! | --- | --- | --- | --- | --- | --- | --- | --- |
//! | squeeze 1 | 2^14 | 1/16 | 44, 20 | 3 | 80 | by 16, 16, 16 | 87.2 |
//! | squeeze 2 | 2^13 | 1/64 | 25, 22 | 2 | 56 | by 16, 16 | 83.2 |
//! | squeeze 3 | 2^12 | 1/64 | 25, 22 | 2 | 80 | by 16, 16 | 84.0 |
//! | shrink | 2^12 | 1/64 | 28, 16 | 2 | 74 | by 16, 8 | 84.2 |
//!
//! - A third challenge would bring shrink 0.2 bits, and cost its verifier a third more of the permutation argument.
//! - A proof of the fast profile needs squeeze 3 only.
//! - Routed wires: those of shrink cost its verifier constraints, but with fewer than 74 the verifier of squeeze 3 does not
//!   fit 2^12 rows (random accesses take twice the rows below 72, and below 74 have no room for constants), and with fewer
//!   than 72 it needs the exponentiation gate. Those of squeeze 2 make its leaves larger, which squeeze 3 has to hash.

pub mod soundness;

use std::fmt;
use std::str::FromStr;

use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::fri::FriConfig;
use plonky2::plonk::circuit_data::CircuitConfig;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The bits that [`Profile::Proven`] has in every circuit, by proven bounds.
pub const PROVEN_BITS: usize = 100;

/// The bits that each layer after the join has by proven bounds, whatever the profile: see the module's documentation.
pub const SHRINK_BITS: usize = 83;

/// The most rows (log2) that a chunk may have: beyond, combining its polynomials costs more than 2^-100.
pub const CHUNK_DEGREE_BITS_MAX: usize = 16;

/// How sound, and so how dear, the proofs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// At least [`PROVEN_BITS`] bits by proven bounds in every circuit: for what goes to L1.
    Proven,
    /// plonky2's standard parameters, worth less than 58 bits by proven bounds: for development and tests.
    Fast,
}

/// What a circuit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Proves a run of transactions.
    Chunk,
    /// Verifies chunk proofs of one shape and brings them into the common shape.
    Lift,
    /// Verifies two proofs in the common shape.
    Join,
    /// Verifies one proof, with fewer rows than it took to make it: 2^14 rows.
    Squeeze1,
    /// The same, 2^13 rows.
    Squeeze2,
    /// The same, 2^12 rows. Its proofs fit shrink.
    Squeeze3,
    /// Verifies the last proof over F, with hashes over BN254's scalar field: 2^12 rows.
    Shrink,
}

impl Profile {
    /// Both profiles.
    pub const ALL: [Self; 2] = [Self::Proven, Self::Fast];

    /// The profile's name, as [`FromStr`] reads it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Fast => "fast",
        }
    }

    /// The configuration of a circuit of this role. Lift and join agree: their proofs are verified by one circuit. Those
    /// after the join do not depend on the profile: one circuit over BN254 verifies shrink proofs of both.
    pub fn circuit_config(self, role: Role) -> CircuitConfig {
        if let Some(config) = role.config_after_join() {
            return config;
        }
        let (num_challenges, num_query_rounds, proof_of_work_bits) = match (self, role) {
            (Self::Fast, _) => (2, 28, 16),
            (Self::Proven, Role::Chunk) => (3, 98, 20),
            (Self::Proven, _) => (3, 102, 16),
        };
        CircuitConfig {
            num_challenges,
            security_bits: PROVEN_BITS,
            fri_config: FriConfig {
                rate_bits: 3,
                cap_height: 4,
                proof_of_work_bits,
                reduction_strategy: FriReductionStrategy::ConstantArityBits(4, 5),
                num_query_rounds,
            },
            ..CircuitConfig::standard_recursion_config()
        }
    }
}

impl Role {
    /// The roles after the join, in order.
    pub const AFTER_JOIN: [Self; 4] = [Self::Squeeze1, Self::Squeeze2, Self::Squeeze3, Self::Shrink];

    /// The role's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chunk => "chunk",
            Self::Lift => "lift",
            Self::Join => "join",
            Self::Squeeze1 => "squeeze 1",
            Self::Squeeze2 => "squeeze 2",
            Self::Squeeze3 => "squeeze 3",
            Self::Shrink => "shrink",
        }
    }

    /// The rows, log2, that each circuit of this role has, if that is fixed.
    pub const fn fixed_degree_bits(self) -> Option<usize> {
        match self {
            Self::Squeeze1 => Some(14),
            Self::Squeeze2 => Some(13),
            Self::Squeeze3 | Self::Shrink => Some(12),
            Self::Chunk | Self::Lift | Self::Join => None,
        }
    }

    /// The configuration of the layers after the join; see the module's table and what it says about them.
    fn config_after_join(self) -> Option<CircuitConfig> {
        let (rate_bits, num_query_rounds, proof_of_work_bits, num_challenges, num_routed_wires, arities) = match self {
            Self::Squeeze1 => (4, 44, 20, 3, 80, vec![4, 4, 4]),
            Self::Squeeze2 => (6, 25, 22, 2, 56, vec![4, 4]),
            Self::Squeeze3 => (6, 25, 22, 2, 80, vec![4, 4]),
            Self::Shrink => (6, 28, 16, 2, 74, vec![4, 3]),
            Self::Chunk | Self::Lift | Self::Join => return None,
        };
        Some(CircuitConfig {
            num_challenges,
            num_routed_wires,
            security_bits: PROVEN_BITS,
            fri_config: FriConfig {
                rate_bits,
                cap_height: 4,
                proof_of_work_bits,
                reduction_strategy: FriReductionStrategy::Fixed(arities),
                num_query_rounds,
            },
            ..CircuitConfig::standard_recursion_config()
        })
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        Self::ALL.into_iter().find(|profile| profile.name() == text).ok_or_else(|| UnknownProfile(text.to_owned()))
    }
}

/// A name that no profile has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no profile {0:?}; there are \"proven\" and \"fast\"")]
pub struct UnknownProfile(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for profile in Profile::ALL {
            assert_eq!(profile.to_string().parse(), Ok(profile));
            let json = serde_json::to_string(&profile).unwrap();
            assert_eq!(json, format!("\"{profile}\""));
            assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), profile);
        }
        assert_eq!("safe".parse::<Profile>(), Err(UnknownProfile("safe".into())));
    }

    #[test]
    fn fast_is_what_plonky2_calls_standard() {
        for role in [Role::Chunk, Role::Lift, Role::Join] {
            assert_eq!(Profile::Fast.circuit_config(role), CircuitConfig::standard_recursion_config());
        }
    }

    #[test]
    fn layers_after_the_join_do_not_depend_on_the_profile() {
        for role in Role::AFTER_JOIN {
            assert_eq!(Profile::Fast.circuit_config(role), Profile::Proven.circuit_config(role));
        }
    }

    #[test]
    fn lift_and_join_have_one_configuration() {
        for profile in Profile::ALL {
            assert_eq!(profile.circuit_config(Role::Lift), profile.circuit_config(Role::Join));
        }
    }
}
