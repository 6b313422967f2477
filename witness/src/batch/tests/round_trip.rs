use super::*;

fn compressed(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn assert_reads_as(file: &[u8], batch: &Batch, form: Form) {
    let decoded = read(file, Limits::default()).unwrap();
    assert_eq!(decoded.refused, []);
    assert_eq!(&decoded.batch, batch);
    assert_eq!(decoded.form, form);
    assert_eq!(decoded.positions.len(), batch.transactions.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_form_gives_the_batch_back(batch in any_batch()) {
        for (notation, file) in [(Notation::Lines, lines_of(&batch)), (Notation::Binary, binary_of(&batch))] {
            assert_reads_as(&file, &batch, Form { notation, compressed: false });
            assert_reads_as(&compressed(&file), &batch, Form { notation, compressed: true });
        }
    }

    #[test]
    fn unsigned_lines_give_the_transaction_back(unsigned in any_unsigned()) {
        let line = lines::unsigned(&unsigned);
        prop_assert_eq!(&lines::parse_unsigned(line.as_bytes()).unwrap(), &unsigned);
        let missing = Problem::MissingField { field: "public_key", kind: unsigned.kind().name() };
        prop_assert_eq!(lines::parse_transaction(line.as_bytes()), Err(missing));
    }
}

#[test]
fn a_batch_longer_than_one_block_keeps_its_order_and_positions() {
    let transaction = |nonce| if nonce % 3 == 0 { transfer(nonce) } else { Transaction::Noop };
    let batch = Batch { context: context(), transactions: (0..3000).map(transaction).collect() };
    let decoded = read(&lines_of(&batch)[..], Limits::default()).unwrap();
    assert_eq!(decoded.batch, batch);
    assert!(decoded.positions.iter().zip(2..).all(|(&position, line)| position == Position::Line(line)));

    let decoded = read(&binary_of(&batch)[..], Limits::default()).unwrap();
    assert_eq!(decoded.batch, batch);
    let lengths = batch.transactions.iter().map(|t| binary::length(t.kind()) as u64);
    let offsets = lengths.scan(binary::HEADER_BYTES as u64, |offset, length| {
        *offset += length;
        Some(*offset - length)
    });
    assert!(decoded.positions.iter().zip(offsets).all(|(&position, offset)| position == Position::Byte(offset)));
}

#[test]
fn lines_may_be_spelled_with_spaces_any_order_and_carriage_returns() {
    let mut file = lines_of(&Batch { context: context(), transactions: vec![] });
    file.extend(b" { \"asset\": 3,\t\"account\":9, \"\\u006bind\" : \"forced_exit\" }\r\n{\"kind\":\"noop\"}");
    let decoded = read(&file[..], Limits::default()).unwrap();
    assert_eq!(decoded.refused, []);
    let exit = ForcedExit { account: account(9), asset: AssetId::new(3).unwrap() };
    assert_eq!(decoded.batch.transactions, [Transaction::ForcedExit(exit), Transaction::Noop]);
}

#[test]
fn lengths_are_those_of_the_documentation() {
    let lengths: Vec<_> = sheaf_circuits::transaction::Kind::PROTOCOL.map(binary::length).into();
    assert_eq!(lengths, [1, 48, 37, 7, 151, 147]);
}
