//! The common shape: the common data (gates, rows, parameters) that all lifts and the join share.
//!
//! A join is built for the common data of its children, which are joins too. So the data is a fixed point: build the
//! circuits against a candidate, take the data of what comes out as the next candidate, until nothing changes. Gates
//! are only ever added and rows only grow, so it ends (after three rounds). Rows are then filled up with no-ops.
//!
//! The common data is not covered by a circuit's digest, so it is never read from a file: it follows from the profile by
//! [`CommonShape::find`], in 2 s (fast) or 6 s (proven): nothing is committed to.

use plonky2::gates::noop::NoopGate;
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitData, CommonCircuitData};
use sheaf_circuits::hash::{C, D, F};
use sheaf_circuits::public_inputs::circuit::PublicInputsTarget;
use sheaf_circuits::public_inputs::PUBLIC_INPUTS_LEN;
use sheaf_circuits::security::soundness::soundness;
use sheaf_circuits::security::{Profile, Role, PROVEN_BITS};
use sheaf_circuits::separator::{self, GatesDiffer};
use thiserror::Error;

use crate::join::JoinTarget;
use crate::lift::LiftTarget;

/// Rounds of the search before it is given up.
const ROUNDS_MAX: usize = 8;
/// Rows (log2) of the stand-in for a chunk that the search lifts: enough for each kind of folding to occur.
const STAND_IN_DEGREE_BITS: usize = 12;

/// The common data of all lifts and the join of a profile.
#[derive(Clone, Debug)]
pub struct CommonShape {
    profile: Profile,
    common: CommonCircuitData<F, D>,
}

impl CommonShape {
    /// Finds the common shape of a profile.
    pub fn find(profile: Profile) -> Result<Self, BuildError> {
        let mut common = lift_stand_in(profile);
        for _ in 0..ROUNDS_MAX {
            let mut builder = CircuitBuilder::new(profile.circuit_config(Role::Join));
            JoinTarget::new(&mut builder, &common);
            prepare(&mut builder, &common);
            let next = builder.mock_build::<C>().common;
            if next == common {
                return Self { profile, common }.checked();
            }
            common = next;
        }
        Err(BuildError::NoFixedPoint { profile, rounds: ROUNDS_MAX })
    }

    /// The common shape from its common data, as an earlier search found it.
    pub(crate) fn from_common(profile: Profile, common: CommonCircuitData<F, D>) -> Self {
        Self { profile, common }
    }

    /// The profile that this is the shape of.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The common data.
    pub fn common(&self) -> &CommonCircuitData<F, D> {
        &self.common
    }

    fn checked(self) -> Result<Self, BuildError> {
        check_soundness(self.profile, "lift and join", &self.common)?;
        Ok(self)
    }

    /// A builder for a circuit of this shape.
    pub(crate) fn builder(&self) -> CircuitBuilder<F, D> {
        CircuitBuilder::new(self.common.config.clone())
    }

    /// Builds what is in `builder`, filled up to this shape. `name` tells circuits of one role apart.
    pub(crate) fn build(&self, mut builder: CircuitBuilder<F, D>, role: Role, name: &str) -> Result<Built, BuildError> {
        let (rows, max) = (builder.num_gates(), self.common.degree());
        let too_many = || BuildError::TooManyRows { circuit: name.to_owned(), rows, max };
        if rows > max {
            return Err(too_many());
        }
        let gates = separator::gate_ids(&self.common);
        builder.set_domain_separator(separator::separator(role, name, &self.common.config, &gates));
        prepare(&mut builder, &self.common);
        let data = builder.build::<C>();
        // Building added the rows that hash the public inputs and hold constants.
        if data.common.degree() > max {
            return Err(too_many());
        }
        separator::check(&data.common, &gates)
            .map_err(|source| BuildError::Gates { circuit: name.to_owned(), source })?;
        if data.common != self.common {
            return Err(BuildError::OtherShape {
                circuit: name.to_owned(),
                expected_degree_bits: self.common.degree_bits(),
                got_degree_bits: data.common.degree_bits(),
            });
        }
        Ok(Built { data, rows })
    }
}

/// A built circuit.
pub(crate) struct Built {
    pub data: CircuitData<F, C, D>,
    /// Rows in use, without the no-ops that fill it up; the few that hash the public inputs and hold constants come on
    /// top.
    pub rows: usize,
}

/// Gives the circuit the gates and, if it has fewer, the rows of `common`.
fn prepare(builder: &mut CircuitBuilder<F, D>, common: &CommonCircuitData<F, D>) {
    for gate in &common.gates {
        builder.add_gate_to_gate_set(gate.clone());
    }
    // One row more than half, and building doubles to the next power of two.
    while builder.num_gates() <= common.degree() / 2 {
        builder.add_gate(NoopGate, vec![]);
    }
}

/// The common data of a circuit that verifies a proof with a chunk's parameters, to begin the search with: it brings
/// the gates that only lifts need.
fn lift_stand_in(profile: Profile) -> CommonCircuitData<F, D> {
    let mut chunk = CircuitBuilder::<F, D>::new(profile.circuit_config(Role::Chunk));
    PublicInputsTarget::new_registered(&mut chunk);
    while chunk.num_gates() <= 1 << (STAND_IN_DEGREE_BITS - 1) {
        chunk.add_gate(NoopGate, vec![]);
    }
    let chunk = chunk.build::<C>();
    let mut builder = CircuitBuilder::new(profile.circuit_config(Role::Lift));
    LiftTarget::new(&mut builder, &chunk.common, &chunk.verifier_only, 1);
    builder.mock_build::<C>().common
}

/// Checks that a circuit has as many proven bits as its profile promises.
pub(crate) fn check_soundness(
    profile: Profile,
    circuit: &str,
    common: &CommonCircuitData<F, D>,
) -> Result<(), BuildError> {
    let bits = soundness(common).proven_bits;
    if profile == Profile::Proven && bits < PROVEN_BITS as f64 {
        return Err(BuildError::TooWeak { circuit: circuit.to_owned(), bits });
    }
    Ok(())
}

/// Why the circuits of recursion cannot be built.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum BuildError {
    /// The search for the common shape does not end.
    #[error("{profile}: no common shape after {rounds} rounds")]
    NoFixedPoint {
        /// The profile.
        profile: Profile,
        /// How many rounds were made.
        rounds: usize,
    },
    /// More shapes than the set of allowed circuits has room for.
    #[error("{got} chunk shapes, at most {max} fit the set of allowed circuits")]
    TooManyShapes {
        /// How many there are.
        got: usize,
        /// How many fit.
        max: usize,
    },
    /// A chunk circuit's configuration is not that of the profile.
    #[error("chunk circuit {circuit} is not of profile {profile}")]
    OtherProfile {
        /// The chunk circuit.
        circuit: String,
        /// The profile that recursion is built for.
        profile: Profile,
    },
    /// A chunk circuit's public inputs are not those of [`PublicInputs`](sheaf_circuits::public_inputs::PublicInputs).
    #[error("chunk circuit {circuit} has {got} public inputs, expected {PUBLIC_INPUTS_LEN}")]
    PublicInputs {
        /// The chunk circuit.
        circuit: String,
        /// How many it has.
        got: usize,
    },
    /// A circuit of the proven profile has too few proven bits: it has too many rows.
    #[error("{circuit} has {bits:.1} proven bits, the profile promises {PROVEN_BITS}: has it too many rows?")]
    TooWeak {
        /// The circuit.
        circuit: String,
        /// Its proven bits.
        bits: f64,
    },
    /// A lift does not fit the common shape: the chunk circuit has too many rows, or gates that are dear to verify.
    #[error("{circuit} takes {rows} rows, the common shape has {max}")]
    TooManyRows {
        /// The circuit.
        circuit: String,
        /// The rows it takes.
        rows: usize,
        /// The rows there are.
        max: usize,
    },
    /// A lift needs a gate that the common shape lacks: a chunk circuit's gate is evaluated in a new way.
    #[error("{circuit}: {source}")]
    Gates {
        /// The circuit.
        circuit: String,
        /// The gates.
        source: GatesDiffer,
    },
    /// A circuit came out in another shape, with the same gates.
    #[error("{circuit} has 2^{got_degree_bits} rows or other parameters, expected the common shape of 2^{expected_degree_bits}")]
    OtherShape {
        /// The circuit.
        circuit: String,
        /// Rows of the common shape, log2.
        expected_degree_bits: usize,
        /// Rows of the circuit, log2.
        got_degree_bits: usize,
    },
    /// A circuit is not the one that the verifier knows by its index: cached verifier data is of another version.
    #[error("{circuit} is not the circuit that the verifier data names: was it made by another version?")]
    OtherCircuit {
        /// The circuit.
        circuit: String,
    },
}
