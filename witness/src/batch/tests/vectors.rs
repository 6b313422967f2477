//! `fixtures/vectors/batch.jsonl` and `batch.bin`: one batch with every kind, in both forms, that must not change.
//! `SHEAF_REGENERATE=1` writes them anew.

use super::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/vectors");

fn batch() -> Batch {
    let opens = Some(*key(9).public()).map(|key| key.hash());
    let asset = AssetId::new(7).unwrap();
    let withdraw = Withdraw {
        account: account(70_000),
        nonce: 3,
        fee: Fee::new(52_429_000_000).unwrap(),
        asset,
        amount: Quanta::MAX_TRANSFER,
    };
    let transactions = vec![
        Transaction::Noop,
        Transaction::Deposit(Deposit { account: account(65_538), asset, amount: Quanta::MAX, opens }),
        Transaction::Deposit(Deposit { account: account(65_538), asset, amount: Quanta::ZERO, opens: None }),
        Transaction::Rekey(Rekey { account: account(65_538), key_hash: key(10).public().hash() }),
        Transaction::ForcedExit(ForcedExit { account: account((1 << 24) - 1), asset: AssetId::new(4095).unwrap() }),
        transfer(0),
        Unsigned::Withdraw(withdraw).sign(&key(11), &context().domain),
    ];
    Batch { context: context(), transactions }
}

#[test]
fn pinned_files_do_not_change() {
    for (name, encoded) in [("batch.jsonl", lines_of(&batch())), ("batch.bin", binary_of(&batch()))] {
        let path = std::path::Path::new(FOLDER).join(name);
        if std::env::var_os("SHEAF_REGENERATE").is_some() {
            std::fs::write(&path, &encoded).unwrap();
        }
        let pinned = std::fs::read(&path).unwrap();
        assert!(pinned == encoded, "{name} changed; if that is meant, regenerate it with SHEAF_REGENERATE=1");
        let decoded = read(&pinned[..], Limits::default()).unwrap();
        assert_eq!((decoded.batch, decoded.refused), (batch(), vec![]));
    }
}
