//! How well a batch fills chunks, with transactions grouped by the cells they share and in the order given.
//!
//! `cargo run --release -p sheaf-witness --example planning -- demo/batch.jsonl demo/genesis.json`

use std::error::Error;
use std::fs::File;
use std::path::Path;

use sheaf_circuits::chunk::shapes;
use sheaf_witness::batch::{read, Limits};
use sheaf_witness::execute::{execute, SignatureChecks};
use sheaf_witness::genesis::Genesis;
use sheaf_witness::plan::{plan, Grouping};
use sheaf_witness::state::MemoryState;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [batch, genesis] = &arguments[..] else { return Err("expected a batch and its genesis".into()) };
    let batch = read(File::open(batch)?, Limits::default())?.batch;
    let state = MemoryState::with_cells(Genesis::read(Path::new(genesis))?.cells());
    let execution = execute(&batch.context, &batch.transactions, &state, SignatureChecks::Skip)?;
    let applied = execution.applied(&batch.transactions);
    let shapes = shapes::all();
    for (name, grouping) in [("grouped", Grouping::BySharedCells), ("in the given order", Grouping::None)] {
        let filling = plan(&applied, batch.context.operator, &shapes, grouping)?.filling(&shapes);
        println!("{name}: {} transactions in {:?}", filling.transactions, filling.chunks);
        println!(
            "  {:.0} % of slots and {:.0} % of rows for cells used; a transaction brings {:.3} cells and takes {:.1} rows",
            100.0 * filling.slots_used(),
            100.0 * filling.cells_used(),
            filling.cells_per_transaction(),
            filling.rows_per_transaction()
        );
    }
    Ok(())
}
