//! Circuit and witness for snarkjs.

use std::io::{self, Write};

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};

use super::binfile::{begin, begin_section};
use crate::groth16::PUBLIC_VALUES;
use crate::wrap::r1cs::R1cs;

/// Bytes of an element of r.
const ELEMENT: usize = 32;

fn count(number: usize) -> [u8; 4] {
    u32::try_from(number).expect("the recorder has fewer than 2^32 of anything").to_le_bytes()
}

/// Writes the constraints as an `.r1cs` file: one public input, no output, and no labels but the variables' own numbers. Nothing
/// of the witness is in it. Terms are in order of variables, so that a circuit has one such file. Give it a buffered `out`.
///
/// # Errors
/// Those of `out`.
pub fn write_r1cs(r1cs: &R1cs, out: &mut impl Write) -> io::Result<()> {
    const SECTIONS: u32 = 3;
    begin(out, b"r1cs", 1, SECTIONS)?;

    begin_section(out, 1, (4 + ELEMENT + 4 * 4 + 8 + 4) as u64)?;
    out.write_all(&count(ELEMENT))?;
    out.write_all(&Fr::MODULUS.to_bytes_le())?;
    let [outputs, public, private] = [0, PUBLIC_VALUES - 1, 0];
    for number in [r1cs.variables(), outputs, public, private] {
        out.write_all(&count(number))?;
    }
    out.write_all(&(r1cs.variables() as u64).to_le_bytes())?;
    out.write_all(&count(r1cs.constraints()))?;

    let terms: usize = r1cs.terms().iter().sum();
    begin_section(out, 2, (r1cs.constraints() * 3 * 4 + terms * (4 + ELEMENT)) as u64)?;
    for row in 0..r1cs.constraints() {
        for matrix in 0..3 {
            let terms = r1cs.row(matrix, row);
            out.write_all(&count(terms.len()))?;
            for (variable, coefficient) in terms {
                out.write_all(&count(variable.index()))?;
                write_element(coefficient, out)?;
            }
        }
    }

    begin_section(out, SECTIONS, r1cs.variables() as u64 * 8)?;
    (0..r1cs.variables() as u64).try_for_each(|label| out.write_all(&label.to_le_bytes()))
}

/// Writes the witness as a `.wtns` file: all variables' values. Give it a buffered `out`.
///
/// # Errors
/// Those of `out`.
pub fn write_wtns(r1cs: &R1cs, out: &mut impl Write) -> io::Result<()> {
    begin(out, b"wtns", 2, 2)?;
    begin_section(out, 1, (4 + ELEMENT + 4) as u64)?;
    out.write_all(&count(ELEMENT))?;
    out.write_all(&Fr::MODULUS.to_bytes_le())?;
    out.write_all(&count(r1cs.variables()))?;
    begin_section(out, 2, (r1cs.variables() * ELEMENT) as u64)?;
    r1cs.assignment().iter().try_for_each(|value| write_element(*value, out))
}

fn write_element(element: Fr, out: &mut impl Write) -> io::Result<()> {
    element.into_bigint().0.iter().try_for_each(|limb| out.write_all(&limb.to_le_bytes()))
}
