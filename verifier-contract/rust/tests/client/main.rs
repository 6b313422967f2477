//! The client against a real node, with simulated proofs.

mod anvil;
mod escape;
mod life;
mod proxy;
mod reading;
mod refusals;
mod sending;
mod simulator;
mod world;
