//! The 32-byte names of this crate: jobs, circuits and artifacts, each with a type of its own so that
//! one cannot be given for another.

/// Declares a 32-byte name: hexadecimal in text and JSON, plain bytes in postcard.
macro_rules! digest_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = hex::FromHexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes)?;
                Ok(Self(bytes))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    <[u8; 32]>::deserialize(deserializer).map(Self)
                }
            }
        }
    };
}

digest_newtype! {
    /// The name of a job: sha256 over its kind, circuit, inputs and payload (see
    /// [`JobSpec::id`](crate::job::JobSpec::id)). Two jobs with one name are one piece of work.
    JobId
}

digest_newtype! {
    /// The circuit a job is done with, or for a job without one a digest of the program's version.
    /// A worker that has other circuits never gets the job.
    CircuitDigest
}

digest_newtype! {
    /// sha256 of an artifact's bytes.
    ArtifactHash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_round_trip() {
        let id = JobId(std::array::from_fn(|i| i as u8));
        assert_eq!(id.to_string().parse::<JobId>().unwrap(), id);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<JobId>(&json).unwrap(), id);
        let bytes = postcard::to_stdvec(&id).unwrap();
        assert_eq!(bytes, id.0, "postcard adds nothing to the 32 bytes");
        assert_eq!(postcard::from_bytes::<JobId>(&bytes).unwrap(), id);
    }

    #[test]
    fn text_of_another_length_is_refused() {
        assert!("00".parse::<JobId>().is_err());
        assert!("zz".repeat(32).parse::<JobId>().is_err());
    }
}
