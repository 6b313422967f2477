//! The committed artifacts are what the sources compile to. `SHEAF_REGENERATE=1` writes them anew.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

/// The code that an L1 accepts for a contract, in bytes (EIP-170).
const CODE_LIMIT: usize = 24_576;

#[test]
fn artifacts_are_as_committed() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("contracts");
    // A build of its own, so that it neither waits for nor disturbs one that is running.
    let status = Command::new(Path::new(PROJECT).join("tools/l1"))
        .args(["forge", "build", "--skip", "test", "--out"])
        .arg(out.join("out"))
        .arg("--cache-path")
        .arg(out.join("cache"))
        .status()
        .expect("tools/l1 starts");
    assert!(status.success(), "the contracts do not compile, see above (or the tools are missing: `make l1-tools`)");

    for name in ["Groth16Verifier", "Rollup"] {
        let built = std::fs::read(out.join(format!("out/{name}.sol/{name}.json"))).unwrap();
        let built: Value = serde_json::from_slice(&built).unwrap();
        let code = built["deployedBytecode"]["object"].as_str().unwrap();
        assert!(code.len() / 2 - 1 <= CODE_LIMIT, "{name} is too large to be deployed");

        let text = artifact(&built);
        let path = Path::new(PROJECT).join(format!("artifacts/{name}.json"));
        if std::env::var_os("SHEAF_REGENERATE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "{} differs: run with SHEAF_REGENERATE=1 to write it anew", path.display());
    }
}

/// The interface, an entry a line, and the code.
fn artifact(built: &Value) -> String {
    let entries = built["abi"].as_array().unwrap().iter().cloned().map(without_internal_types);
    let entries: Vec<String> = entries.map(|entry| entry.to_string()).collect();
    let code = &built["bytecode"]["object"];
    format!("{{\n\"abi\": [\n{}\n],\n\"bytecode\": {code}\n}}\n", entries.join(",\n"))
}

/// Names of Solidity's own types say nothing to a caller.
fn without_internal_types(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, _)| name != "internalType")
            .map(|(name, field)| (name, without_internal_types(field)))
            .collect(),
        Value::Array(values) => values.into_iter().map(without_internal_types).collect(),
        value => value,
    }
}
