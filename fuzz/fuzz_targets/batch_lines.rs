//! Lines of a batch, below a good header: what is taken is written and read again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sheaf_witness::batch::lines;

fuzz_target!(|line: &[u8]| {
    if let Ok(transaction) = lines::parse_transaction(line) {
        let written = lines::transaction(&transaction);
        assert_eq!(lines::parse_transaction(written.as_bytes()), Ok(transaction));
    }
    if let Ok(unsigned) = lines::parse_unsigned(line) {
        let written = lines::unsigned(&unsigned);
        assert_eq!(lines::parse_unsigned(written.as_bytes()), Ok(unsigned));
    }
    if let Ok(context) = lines::parse_header(line) {
        assert_eq!(lines::parse_header(lines::header(&context).as_bytes()).unwrap(), context);
    }
});
