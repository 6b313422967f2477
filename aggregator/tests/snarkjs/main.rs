//! A ceremony with the real snarkjs, on a small circuit: what it makes, we prove with, and each verifies the other's proofs.
//!
//! `make snarkjs-tools` installs it where this test looks: the folder that `SHEAF_SNARKJS` names, or
//! `~/.cache/sheaf/node/HASH`, for the first 16 digits of the SHA-256 of `package-lock.json`.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ark_bn254::Fr;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sheaf_aggregator::groth16::snarkjs::zkey::{UnsafeKey, ZkeyError};
use sheaf_aggregator::groth16::snarkjs::{
    import, proof_json, public_json, read_proof, verifying_key_json, write_r1cs, write_wtns,
};
use sheaf_aggregator::groth16::{prove, CircuitDigest, Key, Origin};
use sheaf_aggregator::wrap::r1cs::{Linear, R1cs, Variable};

/// The smallest powers of tau that do: 2^8 points for some 200 constraints.
const POWER: &str = "8";

/// The public input is the end of a chain of scaled squares that begins with a secret; one variable is in no constraint.
fn circuit(secret: u64, scale: u64) -> R1cs {
    let mut r1cs = R1cs::new();
    r1cs.part("chain");
    r1cs.allocate(Fr::from(7));
    let secret = Linear::from(r1cs.allocate(Fr::from(secret)));
    r1cs.bits(&secret, 64);
    let mut link = secret.clone();
    for _ in 0..100 {
        link = &r1cs.product(&link, &(&link * -Fr::from(scale))) + &secret;
    }
    r1cs.set_public(r1cs.value(&link));
    r1cs.assert_equal(&Variable::PUBLIC.into(), &link);
    r1cs
}

/// snarkjs in a folder of its own.
struct Snarkjs {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Snarkjs {
    fn find() -> Self {
        let tools = match std::env::var_os("SHEAF_SNARKJS") {
            Some(folder) => PathBuf::from(folder),
            None => {
                let hash = hex::encode(Sha256::digest(include_bytes!("package-lock.json")));
                PathBuf::from(std::env::var_os("HOME").expect("HOME is set"))
                    .join(".cache/sheaf/node")
                    .join(&hash[..16])
            }
        };
        let program = tools.join("node_modules/snarkjs/build/cli.cjs");
        assert!(program.is_file(), "snarkjs is not installed (no {}): run `make snarkjs-tools`", program.display());
        Self { program, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn output(&self, arguments: &str) -> Output {
        let mut command = Command::new("node");
        command.arg(&self.program).args(arguments.split(' ')).current_dir(self.folder.path());
        command.output().expect("node runs: `make deps` installs it")
    }

    /// Runs it, and gives what it prints.
    fn run(&self, arguments: &str) -> String {
        let output = self.output(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "snarkjs {arguments}: {text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }

    fn verifies(&self) -> bool {
        self.output("groth16 verify vk.json public.json proof.json").status.success()
    }

    fn write(&self, name: &str, value: &Value) {
        fs::write(self.path(name), value.to_string()).unwrap();
    }

    fn read(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }
}

fn save(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    write(&mut file).unwrap();
    file.flush().unwrap();
}

#[test]
fn a_ceremony_with_the_real_snarkjs() {
    let snarkjs = Snarkjs::find();
    let r1cs = circuit(0x0123_4567_89ab_cdef, 3);
    save(&snarkjs.path("circuit.r1cs"), |out| write_r1cs(&r1cs, out));
    save(&snarkjs.path("witness.wtns"), |out| write_wtns(&r1cs, out));

    let digest = CircuitDigest::of(&r1cs);
    let hash = hex::encode(Sha256::digest(fs::read(snarkjs.path("circuit.r1cs")).unwrap()));
    assert_eq!(digest.to_string(), hash, "the digest is what sha256sum says of the file");
    let info = snarkjs.run("r1cs info circuit.r1cs");
    for line in [
        "Curve: bn-128".to_owned(),
        format!("# of Wires: {}", r1cs.variables()),
        format!("# of Constraints: {}", r1cs.constraints()),
        "# of Public Inputs: 1".to_owned(),
        "# of Outputs: 0".to_owned(),
    ] {
        assert!(info.contains(&line), "{line:?} is missing:\n{info}");
    }
    snarkjs.run("wtns check circuit.r1cs witness.wtns");

    snarkjs.run(&format!("powersoftau new bn128 {POWER} new.ptau"));
    snarkjs.run("powersoftau contribute new.ptau first.ptau --name=first -e=entropy");
    snarkjs.run("powersoftau prepare phase2 first.ptau pot.ptau");
    snarkjs.run("groth16 setup circuit.r1cs pot.ptau initial.zkey");
    let import = |name: &str, r1cs: &R1cs| import(File::open(snarkjs.path(name)).unwrap(), r1cs);
    assert!(matches!(import("initial.zkey", &r1cs), Err(ZkeyError::Unsafe(UnsafeKey::NoContribution))));
    snarkjs.run("zkey contribute initial.zkey final.zkey --name=second -e=entropy");
    snarkjs.run("zkey verify circuit.r1cs pot.ptau final.zkey");

    let key = import("final.zkey", &r1cs).unwrap();
    assert_eq!((key.origin(), key.verifying().circuit), (Origin::Imported, digest));
    match import("final.zkey", &circuit(0, 4)) {
        Err(error @ ZkeyError::Matrix { .. }) => assert!(error.to_string().contains("another circuit")),
        Ok(_) | Err(_) => panic!("the key of a circuit with as many constraints, variables and terms"),
    }
    key.save(&snarkjs.path("circuit.key")).unwrap();
    let key = Key::load(&snarkjs.path("circuit.key"), &digest).unwrap();

    ours_verifies_there(&snarkjs, &key, &r1cs);
    theirs_verifies_here(&snarkjs, &key, &r1cs);
}

fn ours_verifies_there(snarkjs: &Snarkjs, key: &Key, r1cs: &R1cs) {
    let proof = prove(key, r1cs).unwrap();
    snarkjs.run("zkey export verificationkey final.zkey vk.json");
    let mut theirs = snarkjs.read("vk.json");
    theirs.as_object_mut().unwrap().remove("vk_alphabeta_12");
    assert_eq!(verifying_key_json(key.verifying()), theirs);

    snarkjs.write("vk.json", &verifying_key_json(key.verifying()));
    snarkjs.write("public.json", &public_json(r1cs.public()));
    snarkjs.write("proof.json", &proof_json(&proof));
    assert!(snarkjs.verifies());
    let calldata = snarkjs.run("zkey export soliditycalldata public.json proof.json");
    let digits: String = calldata.split('"').skip(1).step_by(2).map(|word| word.trim_start_matches("0x")).collect();
    assert_eq!(digits[..2 * 256], hex::encode(proof.to_bytes()), "the EVM's order");

    snarkjs.write("public.json", &public_json(r1cs.public() + Fr::from(1)));
    assert!(!snarkjs.verifies(), "another public input");
    snarkjs.write("public.json", &public_json(r1cs.public()));
    let mut damaged = proof;
    damaged.c = -damaged.c;
    snarkjs.write("proof.json", &proof_json(&damaged));
    assert!(!snarkjs.verifies(), "a damaged proof");
}

fn theirs_verifies_here(snarkjs: &Snarkjs, key: &Key, r1cs: &R1cs) {
    snarkjs.run("groth16 prove final.zkey witness.wtns proof.json public.json");
    assert_eq!(snarkjs.read("public.json"), public_json(r1cs.public()));
    let text = fs::read_to_string(snarkjs.path("proof.json")).unwrap();
    let proof = read_proof(&text).unwrap();
    key.verifying().verify(r1cs.public(), &proof).unwrap();
    assert_eq!(proof_json(&proof), serde_json::from_str::<Value>(&text).unwrap());
    assert!(read_proof(&text.replace("bn128", "bls12381")).is_err());
    assert!(read_proof(&text.replace("\"1\"", "\"2\"")).is_err());
    assert!(key.verifying().verify(r1cs.public() + Fr::from(1), &proof).is_err());
}
