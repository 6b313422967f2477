//! Batch files of any form: reading never panics, and what was taken is a batch with one binary encoding.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sheaf_witness::batch::{read, Form, Limits, Notation};

fuzz_target!(|file: &[u8]| {
    let Ok(decoded) = read(file, Limits { entries: 64, ..Limits::default() }) else { return };
    assert!(decoded.positions.windows(2).all(|pair| pair[0] < pair[1]));
    let mut binary = Vec::new();
    decoded.batch.write_binary(&mut binary).unwrap();
    if decoded.refused.is_empty() && decoded.form == (Form { notation: Notation::Binary, compressed: false }) {
        assert_eq!(binary, file, "a binary batch has one encoding");
    }
    let again = read(&binary[..], Limits::default()).unwrap();
    assert_eq!(again.batch, decoded.batch);
    assert!(again.refused.is_empty());
    let mut lines = Vec::new();
    decoded.batch.write_lines(&mut lines).unwrap();
    let again = read(&lines[..], Limits::default()).unwrap();
    assert_eq!(again.batch, decoded.batch, "both notations hold the same batches");
    assert!(again.refused.is_empty());
});
