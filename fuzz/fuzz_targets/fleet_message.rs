//! What comes over the network in a fleet, as any of its messages: no panic, and what is understood says the same again.

#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use serde::de::DeserializeOwned;
use serde::Serialize;
use sheaf_prover::fleet::wire::{
    decode, decode_handed, decode_question, encode, Answer, LaneSummary, ResultVerdict, SubmittedGraph,
};
use sheaf_prover::graph::GraphBuilder;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(envelope) = decode_question(bytes) {
        let again = decode_question(&encode(&envelope)).expect("what was understood is understood again");
        assert_eq!(format!("{again:?}"), format!("{envelope:?}"));
    }
    if let Ok(handed) = decode_handed(bytes) {
        // A number that JSON cannot say, as infinity, is said as null, which is none.
        if handed.effort.seconds.is_finite() && handed.effort.cpu_seconds.is_finite() {
            let again = decode_handed(&encode(&handed)).expect("what was understood is understood again");
            assert_eq!(format!("{again:?}"), format!("{handed:?}"));
        }
    }
    survives::<Answer>(bytes);
    survives::<ResultVerdict>(bytes);
    survives::<LaneSummary>(bytes);
    if let Ok(graph) = decode::<SubmittedGraph>(bytes) {
        let mut builder = GraphBuilder::new();
        if graph.jobs.into_iter().all(|job| builder.add(job).is_ok()) {
            let _ = builder.finish(graph.label);
        }
    }
});

fn survives<T: DeserializeOwned + Serialize + Debug>(bytes: &[u8]) {
    if let Ok(message) = decode::<T>(bytes) {
        let _ = decode::<T>(&encode(&message));
    }
}
