//! Published streams: decoding never panics, and encoding the records gives the same bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sheaf_circuits::availability::{decode, from_bytes, to_bytes};
use sheaf_circuits::transaction::{Published, Stream};

fuzz_target!(|bytes: &[u8]| {
    let Ok(words) = from_bytes(bytes) else { return };
    assert_eq!(to_bytes(&words), bytes);
    for stream in [Stream::L1, Stream::L2] {
        let Ok(records) = decode(stream, &words) else { continue };
        let again: Vec<u64> = records.iter().flat_map(|record| record.words()).collect();
        assert_eq!(again, words, "a stream has one encoding");
        assert!(records.iter().all(|record| record.kind().stream() == Some(stream)));
        for record in &records {
            match record {
                Published::Record(record) => drop(record.quanta()),
                // What is not published is filled in so that the call can be looked at.
                Published::Call(call) => drop((call.kind.form().places(call), call.kind.form().explain(call))),
            }
        }
    }
});
