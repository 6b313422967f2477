//! A node of our own on a free port, stopped when it goes out of scope.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Keys of anvil's first accounts, each with 10 000 ETH: they are in its manual, and in everybody's hands.
pub const KEYS: [&str; 4] = [
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
];

/// A running anvil.
pub struct Anvil {
    child: Child,
    pub url: String,
}

impl Anvil {
    /// Starts one, with options; it makes a block for each transaction unless they say otherwise.
    pub fn with(options: &[&str]) -> Self {
        let mut child = Command::new(tool())
            .args(["anvil", "--port", "0"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("tools/l1 starts");
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let place = (&mut output)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned));
        let place = place.expect("anvil says where it listens (or the tools are missing: `make l1-tools`)");
        // What it says later is read and dropped, or it would stand still with a full pipe.
        std::thread::spawn(move || output.lines().map_while(Result::ok).for_each(drop));
        Self { child, url: format!("http://{place}") }
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The L1 tools' runner. This file is part of two crates' tests, both beside each other.
pub fn tool() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("verifier-contract/tools/l1")
}

/// The code of `test/kit/Tokens.sol`'s plain token, compiled in a folder of its own.
pub fn token_code(scratch: &Path) -> Vec<u8> {
    let out = scratch.join("tokens");
    let status = Command::new(tool())
        .args(["forge", "build", "--quiet", "test/kit/Tokens.sol", "--out"])
        .arg(out.join("out"))
        .arg("--cache-path")
        .arg(out.join("cache"))
        .status()
        .unwrap();
    assert!(status.success(), "the test tokens do not compile");
    let built = std::fs::read(out.join("out/Tokens.sol/PlainToken.json")).unwrap();
    let built: serde_json::Value = serde_json::from_slice(&built).unwrap();
    hex::decode(built["bytecode"]["object"].as_str().unwrap().trim_start_matches("0x")).unwrap()
}

impl Anvil {
    /// Calls one of the node's own methods, with parameters as `cast rpc` takes them.
    pub fn control(&self, method: &str, parameters: &[&str]) -> String {
        self.cast("rpc", &[&[method], parameters].concat())
    }

    /// What `cast` says.
    pub fn cast(&self, verb: &str, arguments: &[&str]) -> String {
        let output = Command::new(tool())
            .args(["cast", verb, "--rpc-url", &self.url])
            .args(arguments)
            .output()
            .expect("tools/l1 starts");
        assert!(output.status.success(), "cast {verb}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}
