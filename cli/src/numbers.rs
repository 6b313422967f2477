//! Numbers as people read them.

use std::fmt;
use std::time::Duration;

/// A count with its digits in groups of three: 12 972.
pub struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::with_capacity(digits.len() * 4 / 3);
        for (position, digit) in digits.chars().enumerate() {
            if position > 0 && (digits.len() - position).is_multiple_of(3) {
                text.push(' ');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

/// A count with its noun: "1 transfer", "2 transfers".
pub struct Counted(pub u64, pub &'static str);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, noun) = *self;
        write!(f, "{} {noun}{}", Count(count), if count == 1 { "" } else { "s" })
    }
}

/// A number of bytes: 4.2 MiB.
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
        let (mut value, mut unit) = (self.0 as f64, 0);
        while value >= 1024.0 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        let text = if unit == 0 { format!("{} bytes", self.0) } else { format!("{value:.1} {}", UNITS[unit]) };
        f.pad(&text)
    }
}

/// Reads a number of bytes: 12GiB, 512 MiB, 4096.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim() {
        "" | "B" => 0,
        "KiB" | "K" => 10,
        "MiB" | "M" => 20,
        "GiB" | "G" => 30,
        "TiB" | "T" => 40,
        unit => return Err(format!("there is no unit {unit:?}; expected KiB, MiB, GiB or TiB")),
    };
    let number: u64 = number.parse().map_err(|_| format!("{text:?} is no size; expected one as 12GiB"))?;
    number.checked_mul(1 << shift).ok_or_else(|| format!("{text:?} is more than there can be"))
}

/// A time: 7.3 ms, 41.2 s, 3 min 20 s.
pub struct Took(pub Duration);

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        let text = match seconds {
            _ if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
            _ if seconds < 120.0 => format!("{seconds:.1} s"),
            _ => format!("{} min {} s", seconds as u64 / 60, seconds as u64 % 60),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let counts = [0, 999, 1000, 12_972, 1_234_567].map(|count| Count(count).to_string());
        assert_eq!(counts, ["0", "999", "1 000", "12 972", "1 234 567"]);
        assert_eq!(Counted(1, "chunk").to_string(), "1 chunk");
        assert_eq!(Counted(2000, "chunk").to_string(), "2 000 chunks");
        assert_eq!([1023, 1536, 6 << 30].map(|bytes| Bytes(bytes).to_string()), ["1023 bytes", "1.5 KiB", "6.0 GiB"]);
        let sizes = ["4096", "12GiB", " 512 MiB ", "1T"].map(parse_bytes);
        assert_eq!(sizes, [Ok(4096), Ok(12 << 30), Ok(512 << 20), Ok(1 << 40)]);
        for text in ["", "GiB", "-1", "1.5GiB", "1GB", "99999999TiB"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
        let took = [Duration::from_micros(7300), Duration::from_millis(41_200), Duration::from_secs(200)];
        assert_eq!(took.map(|time| Took(time).to_string()), ["7.3 ms", "41.2 s", "3 min 20 s"]);
    }
}
