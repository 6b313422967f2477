//! The importer on small tables, and its batches against execution in order.

use std::collections::HashMap;

use sheaf_circuits::account::{Cell, CellKey};
use sheaf_circuits::transaction::{execute, CellMemory, Rejection, Transaction};

use super::*;

const HEADING: &str = "block,tx_index,kind,asset_in,from,to_or_asset_out,amount_in,min_amount_out,path";

fn address(number: u32) -> String {
    format!("0x{number:040x}")
}

fn transfer(block: u64, coin: &str, from: u32, to: u32, amount: &str) -> String {
    format!("{block},0,transfer,{coin},{},{},{amount},,", address(from), address(to))
}

fn options() -> Options {
    let contract = ContractAddress([7; 20]);
    Options { blocks: Blocks::ALL, limit: None, domain: Domain { chain_id: 1, contract }, timestamp_s: 1 }
}

fn import_with(rows: &[String], options: &Options) -> Imported {
    let table = [&[HEADING.to_string()], rows].concat().join("\n");
    import(table.as_bytes(), options, &ProgressBar::hidden()).unwrap()
}

/// Imports, and checks that every transfer applies in order.
fn import_rows(rows: &[String]) -> Imported {
    let imported = import_with(rows, &options());
    assert_applies(&imported);
    imported
}

#[derive(Default)]
struct Memory(HashMap<CellKey, Cell>);

impl CellMemory for Memory {
    fn read(&mut self, key: CellKey) -> Cell {
        self.0.get(&key).copied().unwrap_or_default()
    }

    fn write(&mut self, key: CellKey, cell: Cell) {
        self.0.insert(key, cell);
    }
}

fn assert_applies(imported: &Imported) {
    imported.genesis.check().unwrap();
    let mut memory = Memory(imported.genesis.cells().into_iter().collect());
    for transaction in &imported.batch.transactions {
        let applied: Result<_, Rejection> = execute(transaction, &imported.batch.context, &mut memory);
        applied.unwrap();
        let (message, authorization) =
            (transaction.message(&imported.batch.context.domain).unwrap(), transaction.authorization().unwrap());
        assert!(authorization.public_key.verify(message, &authorization.signature));
    }
}

fn transfers(imported: &Imported) -> Vec<Transfer> {
    let transactions = imported.batch.transactions.iter();
    let transfer = |transaction: &Transaction| match transaction {
        Transaction::Transfer(transfer, _) => *transfer,
        other => panic!("{other:?}"),
    };
    transactions.map(transfer).collect()
}

fn reasons(imported: &Imported) -> Vec<(u64, &str)> {
    imported.summary.problems.iter().map(|problem| (problem.line, problem.reason.as_str())).collect()
}

#[test]
fn accounts_and_assets_are_numbered_by_first_appearance_and_nonces_count() {
    let token = address(0xbeef);
    let rows = [
        transfer(5, &token, 1, 2, "70"),
        transfer(5, "ETH", 1, 3, "5000000000"),
        transfer(6, "ETH", 3, 1, "5000000000"),
    ];
    let imported = import_rows(&rows);
    let numbers: Vec<_> = transfers(&imported)
        .iter()
        .map(|t| (t.account.get(), t.nonce, t.asset.get(), t.to.get(), t.amount.get(), t.fee.quanta()))
        .collect();
    assert_eq!(
        numbers,
        [(65536, 0, 1, 65537, 70, 65_000), (65536, 1, 0, 65538, 5, 21_000), (65538, 0, 0, 65536, 5, 21_000)]
    );
    // Account 65538 spends what it was paid, so it is given its fee alone.
    let given: Vec<_> = imported.genesis.accounts.iter().map(|account| account.balances.clone()).collect();
    let quanta = |value| Quanta::new(value).unwrap();
    let (gas, first) = (AssetId::GAS, AssetId::new(1).unwrap());
    assert_eq!(given, [vec![], vec![(gas, quanta(86_005)), (first, quanta(70))], vec![], vec![(gas, quanta(21_000))]]);
    assert_eq!(imported.genesis.note.as_deref(), Some(test_keys::WARNING));
    let Summary { rows, gas_transfers, token_transfers, accounts, blocks, .. } = imported.summary;
    assert_eq!((rows, gas_transfers, token_transfers, accounts, blocks), (3, 2, 1, 3, Some((5, 6))));
}

#[test]
fn blocks_and_limit_select() {
    let rows: Vec<_> = (1..=9).map(|block| transfer(block, "ETH", 1, 2, "1000000000")).collect();
    let count = |blocks: &str, limit| {
        let options = Options { blocks: blocks.parse().unwrap(), limit, ..options() };
        let imported = import_with(&rows, &options);
        (imported.batch.transactions.len(), imported.summary.not_selected)
    };
    assert_eq!(count("3..5", None), (3, 6));
    assert_eq!(count("..2", None), (2, 7));
    assert_eq!(count("8..", Some(1)), (1, 8));
    assert_eq!(count("4", None), (1, 8));
    for text in ["", "..x", "5..3", "-1..2", "1...2"] {
        assert!(text.parse::<Blocks>().is_err(), "{text}");
    }
}

#[test]
fn lines_that_do_not_fit_are_told_and_the_others_go_on() {
    let eth = |text: &str| transfer(1, "ETH", 1, 2, "1").replace(",1,,", text);
    let rows = [
        "1,0,swap,ETH,x,y,1,1,a>b".to_string(),
        transfer(1, "ETH", 1, 1, "5"),
        eth(",-1,,"),
        eth(",1.5,,"),
        eth(",340282366920938463463374607431768211456,,"),
        eth(",1,"),
        transfer(1, "0xabc", 1, 2, "5"),
        transfer(1, "ETH", 1, 2, "5").replace("transfer", "mint"),
        transfer(1, "ETH", 1, 2, "5").replace("1,0,tr", "one,0,tr"),
        transfer(1, "ETH", 1, 2, "5").replacen("0x0", "00", 1),
        String::new(),
        transfer(1, "ETH", 1, 2, "0"),
        transfer(1, "ETH", 1, 2, "1999999999"),
    ];
    let imported = import_rows(&rows);
    assert_eq!(
        reasons(&imported),
        [
            (2, "path is \"a\", expected ETH or 0x and 40 hexadecimal digits"),
            (3, "0x0000000000000000000000000000000000000001 pays itself, which the protocol refuses; the line is skipped"),
            (4, "amount_in is \"-1\", expected a decimal number below 2^128"),
            (5, "amount_in is \"1.5\", expected a decimal number below 2^128"),
            (6, "amount_in is \"340282366920938463463374607431768211456\", expected a decimal number below 2^128"),
            (7, "8 fields, the heading has 9"),
            (8, "asset_in is \"0xabc\", expected ETH or 0x and 40 hexadecimal digits"),
            (9, "kind is \"mint\", expected transfer or swap"),
            (10, "block is \"one\", expected a decimal number below 2^64"),
            (11, "from is \"00000000000000000000000000000000000000001\", expected 0x and 40 hexadecimal digits"),
        ]
    );
    // A zero amount is a transfer like another, and what a gwei does not divide is rounded down.
    assert_eq!(transfers(&imported).iter().map(|t| t.amount.get()).collect::<Vec<_>>(), [0, 1]);
    assert_eq!((imported.summary.zero_amounts, imported.summary.rounded_to_zero), (1, 0));
    let [eth] = &imported.summary.assets[..] else { panic!() };
    assert_eq!((eth.rounded.len(), eth.rounded[0].line, eth.rounded[0].lost.as_str()), (1, 14, "999999999"));
}

#[test]
fn scales_make_every_amount_fit() {
    let top = u128::MAX.to_string();
    let [small, large, many] = [1, 2, 3].map(|token| address(0xa0 + token));
    let mut rows = vec![transfer(1, &small, 1, 2, "72057594037927935"), transfer(1, &large, 1, 2, &top)];
    // Each amount fits, but not all together: 2^56 - 1 a hundred times is more than 2^62.
    rows.extend((0..100).map(|payer| transfer(1, &many, 100 + payer, 2, "72057594037927935")));
    let imported = import_rows(&rows);
    let scales: Vec<_> = imported.summary.assets.iter().map(|asset| asset.scale.as_str()).collect();
    assert_eq!(scales, ["1000000000", "1", "10000000000000000000000", "10"]);
    assert_eq!(imported.summary.assets[2].rounded.len(), 1);

    let imported = import_rows(&[transfer(1, "ETH", 1, 2, &top)]);
    assert_eq!(imported.summary.assets[0].scale, "10000000000000000000000");
}

#[test]
fn the_2048th_asset_is_refused() {
    let rows: Vec<_> = (0..2052).map(|token| transfer(1, &address(0x10000 + token), 1, 2, "1")).collect();
    let imported = import_rows(&rows);
    assert_eq!((imported.summary.assets.len(), imported.summary.token_transfers), (2048, 2047));
    assert_eq!(imported.summary.problems.len(), 5);
    assert_eq!(imported.summary.problems[0].line, 2049);
    assert!(imported.summary.problems[0].reason.contains("number 2048"));
}

const WRAPPED: &str = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2";

fn swap(from: u32, amount_in: &str, least_out: &str, path: &[&str]) -> String {
    let wrapped = |coin: &str| if coin == "ETH" { WRAPPED.to_owned() } else { coin.to_owned() };
    let (first, last) = (path[0], path[path.len() - 1]);
    let path: Vec<_> = path.iter().map(|coin| wrapped(coin)).collect();
    format!("7,0,swap,{first},{},{last},{amount_in},{least_out},{}", address(from), path.join(">"))
}

#[test]
fn swaps_go_to_pools_that_are_opened_first() {
    let [a, b] = [0xa1, 0xb2].map(address);
    let rows = [
        swap(1, "5000000000000000000", "70000", &["ETH", &a]),
        transfer(7, &a, 1, 2, "60000"),
        swap(2, "50000", "1", &[&a, "ETH"]),
        swap(1, "1000000000000000000", "3", &["ETH", &a, &b]),
        // More than any pool pays: the least asked for is what this one pays.
        swap(3, "1000000", "70000", &[&b, &a]),
    ];
    let imported = import_rows(&rows);
    assert_eq!((imported.summary.swaps, imported.summary.pools, imported.summary.token_transfers), (4, 2, 1));
    let kinds: Vec<_> = imported.batch.transactions.iter().map(|transaction| transaction.kind().name()).collect();
    assert_eq!(kinds, ["create_pool", "create_pool", "swap", "transfer", "swap", "swap_route", "swap"]);
    assert_eq!(imported.genesis.accounts[1].index.get(), 2);
}

#[test]
fn swaps_that_do_not_fit_are_told() {
    let [a, b, c] = [0xa1, 0xb2, 0xc3].map(address);
    let rows = [
        swap(1, "5", "7", &[&a, "ETH", &b, &c]),
        swap(1, "5", "7", &[&a, "ETH", &a]),
        swap(1, "5", "7", &[&a, &a]),
        swap(1, "5", "7", &[&a, &b]).replace("7,0,swap,0x00000000000000000000000000000000000000a1", "7,0,swap,ETH"),
        swap(1, "0", "7", &[&a, &b]),
        swap(1, "5000000", "7", &[&a, &b]),
    ];
    let imported = import_rows(&rows);
    let told = reasons(&imported);
    let starts = ["a swap over 3 pools", "a swap there and back", "path ", "path ", "the pool would pay nothing"];
    assert_eq!(told.len(), starts.len(), "{told:?}");
    for ((line, reason), (expected, start)) in told.iter().zip((2..).zip(starts)) {
        assert!(*line == expected && reason.starts_with(start), "{line}: {reason}");
    }
    assert_eq!(imported.summary.swaps, 1);
    // Transfers need no such columns.
    let table =
        format!("block,kind,asset_in,from,to_or_asset_out,amount_in\n1,swap,ETH,{a},{b},5\n1,transfer,ETH,{a},{b},5\n");
    let imported = import(table.as_bytes(), &options(), &ProgressBar::hidden()).unwrap();
    assert_eq!(reasons(&imported), [(2, "a swap, but the heading has no column path")]);
}

#[test]
fn tables_without_the_columns_are_refused() {
    let refuse = |table: &str| {
        let error = import(table.as_bytes(), &options(), &ProgressBar::hidden()).map(|_| ()).unwrap_err();
        error.to_string()
    };
    assert!(refuse("").contains("is empty"));
    assert!(refuse("a,b\n1,2\n").contains("no column \"block\"; it has a, b"));
    // Any order, and more columns.
    let table = format!(
        "amount_in,x,to_or_asset_out,from,asset_in,kind,block\n1,,{},{},ETH,transfer,9\n",
        address(1),
        address(2)
    );
    let imported = import(table.as_bytes(), &options(), &ProgressBar::hidden()).unwrap();
    assert_eq!(imported.batch.transactions.len(), 1);
}

#[test]
fn not_utf8_is_told_by_line() {
    let mut table = format!("{HEADING}\n").into_bytes();
    table.extend(b"1,0,transfer,\xff\xfe,x,y,1,,\n");
    let imported = import(&table[..], &options(), &ProgressBar::hidden()).unwrap();
    assert_eq!(reasons(&imported), [(2, "asset_in is not UTF-8 text")]);
}
