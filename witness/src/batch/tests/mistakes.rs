//! Each mistake by name and place, and the transactions around it are read.

use super::*;

/// A file with `line` between two good transfers.
fn around(line: &str) -> Vec<u8> {
    let [before, after] = [0, 1].map(|nonce| lines::transaction(&transfer(nonce)));
    format!("{}\n{before}\n{line}\n{after}\n", lines::header(&context())).into_bytes()
}

/// The one problem of such a file, at line 3, after checking that both transfers were read.
fn problem_of(line: &str) -> Problem {
    let decoded = read(&around(line)[..], Limits::default()).unwrap();
    assert_eq!(decoded.batch.transactions, [transfer(0), transfer(1)], "{line}");
    assert_eq!(decoded.positions, [Position::Line(2), Position::Line(4)]);
    let [refused] = &decoded.refused[..] else { panic!("{line}: {:?}", decoded.refused) };
    assert_eq!(refused.position, Position::Line(3));
    refused.problem.clone()
}

/// A transfer's line with one piece of text replaced.
fn with(from: &str, to: &str) -> String {
    let line = lines::transaction(&transfer(5));
    assert!(line.contains(from));
    line.replacen(from, to, 1)
}

#[test]
fn lines_that_are_not_a_transaction() {
    assert!(matches!(problem_of("hello"), Problem::NotJson { column: 1, .. }));
    assert!(matches!(problem_of("{\"kind\":\"noop\"} x"), Problem::NotJson { column: 17, .. }));
    assert!(matches!(problem_of("{\"kind\":\"noop\""), Problem::NotJson { .. }));
    assert!(matches!(problem_of("\u{0}\u{7f}"), Problem::NotJson { .. }));
    assert_eq!(problem_of("[1,2]"), Problem::NotAnObject { got: "a list" });
    assert_eq!(problem_of("7"), Problem::NotAnObject { got: "a number" });
    assert_eq!(problem_of("null"), Problem::NotAnObject { got: "null" });
    assert_eq!(problem_of("  "), Problem::Blank);
    assert_eq!(problem_of("{}"), Problem::MissingField { field: "kind", kind: "transaction" });
    assert_eq!(problem_of(&"x".repeat(5000)), Problem::TooLong { limit: 4096 });
    assert!(matches!(problem_of(&"[".repeat(4000)), Problem::NotJson { .. }));
    assert_eq!(problem_of("{\"kind\":\"borrow\"}"), Problem::UnknownKind { got: "borrow".into() });
}

#[test]
fn fields_missing_unknown_repeated_or_of_another_type() {
    assert_eq!(problem_of(&with("\"to\":65537,", "")), Problem::MissingField { field: "to", kind: "transfer" });
    assert_eq!(
        problem_of("{\"kind\":\"noop\",\"memo\":1}"),
        Problem::UnknownField { field: "memo".into(), kind: "noop" }
    );
    assert_eq!(
        problem_of(&with("\"nonce\":5", "\"nonce\":5,\"nonce\":5")),
        Problem::RepeatedField { field: "nonce".into() }
    );
    for (value, got) in [
        ("\"5\"", "the text \"5\""),
        ("-5", "a negative number"),
        ("5.0", "a number with a fraction or an exponent, or one that 64 bits do not hold"),
        ("18446744073709551616", "a number with a fraction or an exponent, or one that 64 bits do not hold"),
        ("[5]", "a list"),
        ("{}", "an object"),
        ("null", "null"),
        ("true", "true or false"),
    ] {
        let problem = problem_of(&with("\"nonce\":5", &format!("\"nonce\":{value}")));
        let expected = "a whole number below 2^64";
        assert_eq!(problem, Problem::WrongType { field: "nonce", expected, got: got.into() });
    }
    assert!(matches!(problem_of("{\"kind\":4}"), Problem::WrongType { field: "kind", .. }));
}

#[test]
fn numbers_out_of_range() {
    let at = |field, value, bits| Problem::OutOfRange { field, value, bits };
    let max = u64::MAX;
    assert_eq!(problem_of(&with("31337", "4611686018427387904")), at("amount", 1 << 62, 56));
    assert_eq!(problem_of(&with("31337", "72057594037927936")), at("amount", 1 << 56, 56));
    let deposit = "{\"kind\":\"deposit\",\"account\":9,\"asset\":0,\"amount\":4611686018427387904}";
    assert_eq!(problem_of(deposit), at("amount", 1 << 62, 62));
    assert_eq!(problem_of(&with("\"account\":65536", "\"account\":16777216")), at("account", 1 << 24, 24));
    assert_eq!(problem_of(&with("\"to\":65537", &format!("\"to\":{max}"))), at("to", max, 24));
    assert_eq!(problem_of(&with("\"asset\":0", "\"asset\":4096")), at("asset", 4096, 12));
    assert_eq!(problem_of(&with("\"nonce\":5", &format!("\"nonce\":{max}"))), Problem::Nonce { value: max });
}

#[test]
fn a_fee_that_cannot_be_represented_names_the_nearest() {
    let problem = problem_of(&with("\"fee\":21000", "\"fee\":1234567"));
    assert!(matches!(problem, Problem::Fee { nearest: Some(1_234_560), .. }), "{problem}");
    assert!(problem.to_string().contains("1234560"));
}

#[test]
fn keys_signatures_and_digests_that_do_not_decode() {
    let digest = "{\"kind\":\"rekey\",\"account\":9,\"key_hash\":\"KEY\"}";
    let hex = |field, expected_bytes, got_characters| Problem::NotHex { field, expected_bytes, got_characters };
    assert_eq!(problem_of(&digest.replace("KEY", "00")), hex("key_hash", 32, 2));
    assert_eq!(problem_of(&digest.replace("KEY", &"g".repeat(64))), hex("key_hash", 32, 64));
    let top = "f".repeat(16);
    let problem = problem_of(&digest.replace("KEY", &format!("{}{top}", "0".repeat(48))));
    assert!(matches!(problem, Problem::NotCanonical { field: "key_hash", .. }), "{problem}");
    for (field, bytes) in [("public_key", 40), ("signature", 80)] {
        let line = lines::transaction(&transfer(5));
        let start = line.find(field).unwrap() + field.len() + 3;
        let replace = |with: &str| format!("{}{with}{}", &line[..start], &line[start + with.len()..]);
        let problem = problem_of(&replace(&top));
        assert!(matches!(problem, Problem::NotCanonical { field: f, .. } if f == field), "{problem}");
        assert_eq!(problem_of(&replace("?")), hex(field, bytes, 2 * bytes));
    }
}

#[test]
fn a_repetition_names_the_first() {
    let problem = problem_of(&lines::transaction(&transfer(0)));
    assert_eq!(problem, Problem::Repeated { first: Position::Line(2) });
    // Kinds without a signature may stand there twice: two equal deposits are two deposits.
    let file = around("{\"kind\":\"noop\"}\n{\"kind\":\"noop\"}");
    assert_eq!(read(&file[..], Limits::default()).unwrap().batch.transactions.len(), 4);
    // The same transaction signed by another key is not for this module to judge.
    let Transaction::Transfer(t, _) = transfer(0) else { unreachable!() };
    let resigned = Unsigned::Transfer(t).sign(&key(8), &context().domain);
    let file = around(&lines::transaction(&resigned));
    assert_eq!(read(&file[..], Limits::default()).unwrap().batch.transactions.len(), 3);
}

#[test]
fn entries_below_another_header_are_not_of_the_batch() {
    let own = lines::header(&context());
    let mut other = context();
    other.domain.chain_id = 5;
    let other = lines::header(&other);
    assert_eq!(problem_of(&own), Problem::RepeatedHeader);

    let file = around(&format!("{other}\n{{\"kind\":\"noop\"}}\n{own}\n{{\"kind\":\"noop\"}}"));
    let decoded = read(&file[..], Limits::default()).unwrap();
    assert_eq!(decoded.batch.transactions, [transfer(0), Transaction::Noop, transfer(1)]);
    let problems: Vec<_> = decoded.refused.iter().map(|refused| refused.problem.clone()).collect();
    let below = Problem::OtherBatch { header: Position::Line(3) };
    assert_eq!(problems, [Problem::OtherHeader { differs: "domain" }, below, Problem::RepeatedHeader]);

    let file = around(&format!("{{\"batch\":{{}}}}\n{{\"kind\":\"noop\"}}\n{own}"));
    let decoded = read(&file[..], Limits::default()).unwrap();
    assert_eq!(decoded.batch.transactions, [transfer(0), transfer(1)]);
    assert!(matches!(decoded.refused[0].problem, Problem::BadHeader { .. }));
}

#[test]
fn files_that_are_no_batch() {
    let error = |bytes: &[u8]| read(bytes, Limits::default()).unwrap_err();
    assert!(matches!(error(b""), HeaderError::Empty));
    assert!(matches!(error(&zstd::encode_all(&b""[..], 1).unwrap()), HeaderError::Empty));
    assert!(matches!(error(b"\n"), HeaderError::NotAHeader { .. }));
    assert!(matches!(error(b"{\"kind\":\"noop\"}\n"), HeaderError::NotAHeader { .. }));
    assert!(matches!(error(&[b' '; 5000]), HeaderError::TooLong { limit: 4096 }));
    let wide = lines::header(&Context { timestamp_s: 1 << 56, ..context() });
    assert!(matches!(error(wide.as_bytes()), HeaderError::Context(_)));
    let unknown = lines::header(&context()).replace("}}", ",\"more\":1}}");
    assert!(matches!(error(unknown.as_bytes()), HeaderError::NotAHeader { .. }));

    let binary = binary_of(&Batch { context: context(), transactions: vec![] });
    assert!(matches!(error(&binary[..60]), HeaderError::CutOff { expected: 61, got: 60 }));
    let changed = |at: usize, byte: u8| {
        let mut bytes = binary.clone();
        bytes[at] = byte;
        error(&bytes)
    };
    assert!(matches!(changed(8, 2), HeaderError::Version { expected: 1, got: 2 }));
    assert!(matches!(changed(16, 1), HeaderError::Context(_)));
    assert!(matches!(changed(44, 1), HeaderError::OutOfRange { field: "operator", .. }));
    assert!(matches!(changed(60, 1), HeaderError::OutOfRange { field: "reserved", .. }));
    assert!(matches!(error(&[0x28, 0xb5, 0x2f, 0xfd, 9, 9]), HeaderError::Unreadable(_)));
}

#[test]
fn what_ends_the_reading_leaves_what_was_read() {
    let batch = Batch { context: context(), transactions: vec![transfer(0), transfer(1)] };
    let last = |file: &[u8], limits| {
        let mut decoded = read(file, limits).unwrap();
        assert_eq!(decoded.refused.len(), 1);
        (decoded.batch.transactions.len(), decoded.refused.remove(0))
    };
    let limits = Limits::default();
    let lines = lines_of(&batch);
    let (read, refused) = last(&lines[..lines.len() - 10], limits);
    assert_eq!((read, refused), (1, Refused { position: Position::Line(3), problem: Problem::CutOff }));

    let binary = binary_of(&batch);
    let second = Position::Byte(61 + 151);
    let (read, refused) = last(&binary[..binary.len() - 10], limits);
    assert_eq!((read, refused), (1, Refused { position: second, problem: Problem::CutOff }));
    let (read, refused) = last(&binary[..61 + 151], limits);
    assert_eq!((read, refused), (1, Refused { position: second, problem: Problem::CutOff }));
    let (read, refused) = last(&[&binary[..], b"x"].concat(), limits);
    assert_eq!((read, refused.problem), (2, Problem::TrailingBytes { count: 2 }));
    let mut unknown = binary.clone();
    unknown[61 + 151] = 6;
    assert_eq!(last(&unknown, limits), (1, Refused { position: second, problem: Problem::UnknownCode { code: 6 } }));

    let few = Limits { entries: 1, ..limits };
    for file in [&lines, &binary] {
        assert_eq!(last(file, few).1.problem, Problem::TooMany { limit: 1 });
    }
    let noops = Batch { context: context(), transactions: vec![Transaction::Noop; 100_000] };
    let compressed = zstd::encode_all(&lines_of(&noops)[..], 1).unwrap();
    let (_, refused) = last(&compressed[..compressed.len() - 4], limits);
    assert!(matches!(refused.problem, Problem::CutOff | Problem::Unreadable { .. }), "{refused}");
}

#[test]
fn binary_values_out_of_range_are_refused_one_by_one() {
    let deposit = Deposit { account: account(9), asset: AssetId::GAS, amount: Quanta::MAX, opens: None };
    let batch = Batch { context: context(), transactions: vec![Transaction::Deposit(deposit), transfer(0)] };
    let problem = |at: usize, byte: u8| {
        let mut bytes = binary_of(&batch);
        bytes[61 + at] = byte;
        let mut decoded = read(&bytes[..], Limits::default()).unwrap();
        assert_eq!((decoded.batch.transactions.len(), decoded.refused.len()), (1, 1));
        decoded.refused.remove(0).problem
    };
    assert!(matches!(problem(4, 1), Problem::OutOfRange { field: "account", .. }));
    assert!(matches!(problem(6, 16), Problem::OutOfRange { field: "asset", .. }));
    assert!(matches!(problem(14, 0x40), Problem::OutOfRange { field: "amount", bits: 62, .. }));
    assert_eq!(problem(15, 2), Problem::NotAFlag { field: "opens", value: 2 });
    assert!(matches!(problem(20, 1), Problem::NotCanonical { field: "opens", .. }));
    let transfer = 48;
    assert!(matches!(problem(transfer + 4, 1), Problem::OutOfRange { field: "account", .. }));
    assert!(matches!(problem(transfer + 13, 1), Problem::Fee { nearest: None, .. }));
    assert!(matches!(problem(transfer + 16, 1), Problem::Fee { nearest: None, .. }));
    assert!(matches!(problem(transfer + 30, 1), Problem::OutOfRange { field: "amount", bits: 56, .. }));
}

#[test]
fn problems_are_told_apart_in_json() {
    let refused =
        Refused { position: Position::Line(3), problem: Problem::OutOfRange { field: "to", value: 5, bits: 1 } };
    assert_eq!(
        serde_json::to_string(&refused).unwrap(),
        concat!(
            r#"{"position":{"line":3},"problem":"out_of_range","field":"to","value":5,"bits":1,"#,
            r#""message":"field \"to\" is 5, expected less than 2^1"}"#
        )
    );
}
