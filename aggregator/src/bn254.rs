//! Hashing over BN254's scalar field r, for a plonky2 layer whose proofs a Groth16 circuit verifies.
//!
//! A circuit over r hashes natively with Poseidon over r, and pays dearly for H. So the last plonky2 layer has Merkle trees
//! and a transcript over r ([`Bn254Config`]); its polynomials stay over F. What follows is all that a circuit needs to
//! follow suit; the parts are told in their modules, with the same words.
//!
//! | | |
//! | --- | --- |
//! | [`poseidon`] | Poseidon over r: x⁵, 8 full rounds; width 5 with 60 partial rounds, 9 with 63; circomlib's constants; capacity first |
//! | [`packing`] | three elements of F in one of r: v₀ + v₁·2^64 + v₂·2^128; one of r as four digits to base p |
//! | [`hasher`] | a leaf: sponge of width 9, which begins as (number of elements of F, 0, …), overwrites eight, and ends with its capacity |
//! | [`node`] | trees of arity 4: two singles make a pair, two pairs make compress(a, b, c, d) = Poseidon(0, a, b, c, d)\[0\] |
//! | [`transcript`] | a duplex sponge of width 5: 12 elements of F in, 6 out, used from the last to the first |
//! | [`kinds`] | which nodes of a proof are singles and which pairs |
//! | [`config`] | four public inputs, which stand for themselves |
//!
//! *The transcript* absorbs what plonky2's does, in its order; a digest is absorbed as its digits, 4 for a single, 8 for a
//! pair. Lengths are fixed by the circuit's common data, so nothing is padded.
//!
//! *Which nodes are singles*: hashes of leaves are, and so is each node an even number of levels above. A tree of 2^n
//! leaves with a cap of 2^h nodes has singles in its cap if n − h is even.
//!
//! *How sound*: an element of r has 253.6 bits, so collisions of leaves, nodes and transcripts take 2^126.8 hashes.

pub mod config;
pub mod hasher;
pub mod kinds;
pub mod node;
pub mod packing;
pub mod poseidon;
pub mod transcript;

pub use self::config::{Bn254Config, PublicInputsAsIs};
pub use self::hasher::Bn254Hash;
pub use self::node::Node;
