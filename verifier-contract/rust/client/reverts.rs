//! What a contract says when it refuses: the error by name, its fields, and what it likely means.

use std::fmt;
use std::sync::LazyLock;

use alloy::dyn_abi::{DynSolValue, JsonAbiExt};
use alloy::json_abi::{Error, JsonAbi};
use alloy::sol_types::{Panic, Revert, SolError};

use super::causes::CAUSES;
use crate::artifacts;

/// Errors of both contracts, from their artifacts.
static ERRORS: LazyLock<Vec<Error>> = LazyLock::new(|| {
    let errors = [artifacts::ROLLUP, artifacts::GROTH16_VERIFIER].map(|artifact| abi(artifact).errors);
    errors.into_iter().flat_map(|errors| errors.into_values().flatten()).collect()
});

/// The interface in an artifact.
fn abi(artifact: &str) -> JsonAbi {
    #[derive(serde::Deserialize)]
    struct Artifact {
        abi: JsonAbi,
    }
    let artifact: Artifact = serde_json::from_str(artifact).expect("a test reads the committed artifacts");
    artifact.abi
}

/// Why a contract refused a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// One of the contracts' own errors.
    Error {
        /// Its name.
        name: String,
        /// Its fields with their values, in order.
        fields: Vec<(String, String)>,
        /// What it means, and its likely cause.
        cause: &'static str,
    },
    /// A text, as other contracts give it.
    Text(String),
    /// Bytes that no error here begins with, or none at all.
    Bytes(Vec<u8>),
}

impl Refusal {
    /// Reads what a call that reverted returned.
    pub fn decode(data: &[u8]) -> Self {
        Self::known(data).or_else(|| Self::text(data)).unwrap_or_else(|| Self::Bytes(data.to_vec()))
    }

    /// The error's name, if it is one of the contracts' own.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Error { name, .. } => Some(name),
            _ => None,
        }
    }

    fn known(data: &[u8]) -> Option<Self> {
        let (selector, fields) = data.split_at_checked(4)?;
        let error = ERRORS.iter().find(|error| error.selector() == selector)?;
        let values = error.abi_decode_input(fields).ok()?;
        let fields = error.inputs.iter().zip(values);
        Some(Self::Error {
            name: error.name.clone(),
            fields: fields.map(|(input, value)| (input.name.trim_end_matches('_').to_owned(), show(&value))).collect(),
            cause: cause(&error.name)?,
        })
    }

    fn text(data: &[u8]) -> Option<Self> {
        let revert = Revert::abi_decode(data).ok().map(|revert| revert.reason);
        let panic = || Panic::abi_decode(data).ok().map(|panic| panic.to_string());
        revert.or_else(panic).map(Self::Text)
    }
}

/// What the error of this name means.
fn cause(name: &str) -> Option<&'static str> {
    CAUSES.iter().find(|(known, _)| *known == name).map(|(_, cause)| *cause)
}

fn show(value: &DynSolValue) -> String {
    match value {
        DynSolValue::Uint(number, _) => number.to_string(),
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::FixedBytes(bytes, length) => format!("0x{}", hex::encode(&bytes[..(*length).min(32)])),
        DynSolValue::Bytes(bytes) => format!("0x{}", hex::encode(bytes)),
        DynSolValue::String(text) => format!("{text:?}"),
        other => format!("{other:?}"),
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error { name, fields, cause } => {
                let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name} {value}")).collect();
                write!(f, "{name}({}): {cause}", fields.join(", "))
            }
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Bytes(bytes) if bytes.is_empty() => f.write_str("no reason was given"),
            Self::Bytes(bytes) => write!(f, "an error that the contracts do not have, 0x{}", hex::encode(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    /// The comment above each error in the sources.
    fn documented(folder: &Path, errors: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                documented(&path, errors);
                continue;
            }
            let mut comment = Vec::new();
            for line in std::fs::read_to_string(path).unwrap().lines().map(str::trim) {
                if let Some(text) = line.strip_prefix("///") {
                    comment.push(text.trim().to_owned());
                    continue;
                }
                if let Some((name, _)) = line.strip_prefix("error ").and_then(|rest| rest.split_once('(')) {
                    errors.insert(name.into(), comment.join(" "));
                }
                comment.clear();
            }
        }
    }

    #[test]
    fn causes_are_those_of_the_sources_and_each_error_has_one() {
        let mut sources = BTreeMap::new();
        documented(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
        let table: BTreeMap<String, String> =
            CAUSES.iter().map(|(name, cause)| ((*name).into(), (*cause).into())).collect();
        assert_eq!(table, sources);
        let interface: BTreeSet<&str> = ERRORS.iter().map(|error| error.name.as_str()).collect();
        assert_eq!(table.keys().map(String::as_str).collect::<BTreeSet<_>>(), interface);
    }

    #[test]
    fn errors_are_told_with_their_fields() {
        let error = ERRORS.iter().find(|error| error.name == "WrongBatchNumber").unwrap();
        let values = [3, 2].map(|n| DynSolValue::Uint(alloy::primitives::U256::from(n), 32));
        let data = error.abi_encode_input(&values).unwrap();
        let refusal = Refusal::decode(&data);
        assert_eq!(
            refusal.to_string(),
            "WrongBatchNumber(expected 3, got 2): Not the next batch. Likely cause: it was submitted already, or one \
             before it was not."
        );
        assert_eq!(Refusal::decode(&data[..20]), Refusal::Bytes(data[..20].to_vec()));
        assert_eq!(Refusal::decode(&[]).to_string(), "no reason was given");
        let text = Revert::from("allowance").abi_encode();
        assert_eq!(Refusal::decode(&text), Refusal::Text("allowance".into()));
    }

    proptest! {
        #[test]
        fn any_bytes_decode_to_something(selector in 0..ERRORS.len(), fields: Vec<u8>) {
            Refusal::decode(&fields);
            Refusal::decode(&[ERRORS[selector].selector().as_slice(), &fields].concat());
        }
    }
}
