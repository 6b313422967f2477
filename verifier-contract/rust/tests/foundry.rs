//! Runs the contracts' own tests, so that `cargo test` covers them.

use std::path::Path;
use std::process::Command;

#[test]
fn forge_test_passes() {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/l1");
    let status = Command::new(&tool).args(["forge", "test"]).status();
    let status = status.unwrap_or_else(|error| panic!("{} does not start: {error}", tool.display()));
    assert!(status.success(), "the contracts' tests failed, see above (or the tools are missing: `make l1-tools`)");
}
