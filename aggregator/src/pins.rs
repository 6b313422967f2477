//! What is pinned in `pins/`: a change is to be seen, and its reason told. `SHEAF_PIN=1` writes the files anew.

use std::fs;
use std::path::Path;

/// Compares `text` with the file of that name.
pub(crate) fn pin(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("pins").join(name);
    if std::env::var_os("SHEAF_PIN").is_some() {
        fs::write(&path, text).unwrap();
    }
    let pinned = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, pinned, "{} differs; if it should, run with SHEAF_PIN=1", path.display());
}
