//! Domain separators of circuits.
//!
//! plonky2's circuit digest covers the constants, the wiring and the number of rows, but no gate's constraints: two
//! circuits that differ only in what a gate checks could have one digest, and a proof of one would pass for the other.
//! So every circuit here sets a separator, which the digest does cover, over its role, its version, its configuration
//! and the identities of its gates. A gate whose constraints change changes its identity (a version in its name).
//!
//! The gates are known only when the circuit is built, and the separator is set before. So a circuit names its gates
//! beforehand, and [`check`] compares after the build.

use plonky2::field::types::Field;
use plonky2::plonk::circuit_data::{CircuitConfig, CommonCircuitData};
use thiserror::Error;

use crate::hash::{tag, D, F};
use crate::security::Role;

/// Tag of a separator.
pub const TAG_SEPARATOR: u64 = tag("sf.sep");
/// The version of plonky2's own gates, which have none in their names.
pub const PLONKY2_VERSION: &str = "plonky2 1.1.0";
/// Bytes of text in an element: seven are always below p.
const TEXT_BYTES: usize = 7;

/// The separator of a circuit: (tag, texts), where a text is its length in bytes and then its bytes, seven an element,
/// big-endian; the texts are plonky2's version, the role, `name`, the configuration, and each of `gates` in order.
///
/// `name` tells circuits of one role apart, and carries the version of what the circuit does.
pub fn separator(role: Role, name: &str, config: &CircuitConfig, gates: &[String]) -> Vec<F> {
    let config = format!("{config:?}");
    let texts = [PLONKY2_VERSION, role.name(), name, &config].into_iter().chain(gates.iter().map(String::as_str));
    let mut elements = vec![F::from_canonical_u64(TAG_SEPARATOR)];
    for text in texts {
        elements.push(F::from_canonical_usize(text.len()));
        elements.extend(text.as_bytes().chunks(TEXT_BYTES).map(text_element));
    }
    elements
}

fn text_element(bytes: &[u8]) -> F {
    F::from_canonical_u64(bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

/// The identities of a circuit's gates, in the circuit's order.
pub fn gate_ids(common: &CommonCircuitData<F, D>) -> Vec<String> {
    common.gates.iter().map(|gate| gate.0.id()).collect()
}

/// Checks that the gates of a built circuit are those that its separator names.
pub fn check(common: &CommonCircuitData<F, D>, named: &[String]) -> Result<(), GatesDiffer> {
    let built = gate_ids(common);
    if built == named {
        return Ok(());
    }
    let missing = |of: &[String], from: &[String]| of.iter().filter(|id| !from.contains(id)).cloned().collect();
    Err(GatesDiffer { unnamed: missing(&built, named), unused: missing(named, &built) })
}

/// A circuit's separator does not name its gates. When both lists are empty, the order differs.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the separator does not name the circuit's gates: not named {unnamed:?}, not in the circuit {unused:?}")]
pub struct GatesDiffer {
    /// In the circuit, and not named.
    pub unnamed: Vec<String>,
    /// Named, and not in the circuit.
    pub unused: Vec<String>,
}

#[cfg(test)]
mod tests {
    use plonky2::plonk::circuit_builder::CircuitBuilder;

    use super::*;
    use crate::hash::C;
    use crate::security::Profile;

    fn gates(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn everything_named_changes_the_separator() {
        let [fast, proven] = [Profile::Fast, Profile::Proven].map(|profile| profile.circuit_config(Role::Lift));
        let separators = [
            separator(Role::Lift, "a", &fast, &gates(&["x", "y"])),
            separator(Role::Join, "a", &fast, &gates(&["x", "y"])),
            separator(Role::Lift, "b", &fast, &gates(&["x", "y"])),
            separator(Role::Lift, "a", &proven, &gates(&["x", "y"])),
            separator(Role::Lift, "a", &fast, &gates(&["xy"])),
            separator(Role::Lift, "a", &fast, &gates(&["y", "x"])),
        ];
        for (i, one) in separators.iter().enumerate() {
            assert!(separators[..i].iter().all(|other| other != one));
        }
    }

    #[test]
    fn gates_are_checked_after_the_build() {
        let mut builder = CircuitBuilder::<F, D>::new(Profile::Fast.circuit_config(Role::Chunk));
        let x = builder.add_virtual_public_input();
        builder.assert_one(x);
        let common = builder.build::<C>().common;
        let named = gate_ids(&common);
        assert_eq!(check(&common, &named), Ok(()));
        let differ = check(&common, &named[1..]).unwrap_err();
        assert_eq!((differ.unnamed, differ.unused), (vec![named[0].clone()], vec![]));
    }
}
