//! Sheaf's own plonky2 gates, and the serializers of circuits that contain them.
//!
//! A circuit's digest does not cover the constraints of its gates, so each gate carries a version in its
//! id: whoever changes what a gate's constraints accept, or the place of its wires, raises it.

pub mod affine;
pub mod algebra;
pub mod custom;
pub mod multiset;
pub mod quintic;
pub mod range;
pub mod serialization;
pub mod signature;
pub mod signature_ends;

pub use serialization::{SheafGateSerializer, SheafGeneratorSerializer};
