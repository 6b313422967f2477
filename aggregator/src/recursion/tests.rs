use super::*;
use crate::toy::{run_of_chunks, ToyChunk};
use std::time::Instant;

#[test]
#[ignore = "prints times"]
fn measure() {
    for profile in [Profile::Fast, Profile::Proven] {
        let t = Instant::now();
        let shape = CommonShape::find(profile).unwrap();
        println!(
            "{profile}: find {:?} degree {} constants {}",
            t.elapsed(),
            shape.common().degree_bits(),
            shape.common().num_constants
        );
        for g in &shape.common().gates {
            println!("   {}", g.0.id());
        }
        let t = Instant::now();
        let join = JoinCircuit::build(&shape).unwrap();
        println!("join build {:?} rows {}", t.elapsed(), join.rows());
        for bits in [12, 13, 14, 16] {
            let t = Instant::now();
            let chunk = ToyChunk::build(profile, bits);
            println!("chunk {bits} build {:?}", t.elapsed());
            for n in [1, 2] {
                let t = Instant::now();
                match LiftCircuit::build(&shape, &chunk.verifier(), n) {
                    Ok(l) => println!("lift {bits} x {n} build {:?} rows {}", t.elapsed(), l.rows()),
                    Err(e) => println!("lift {bits} x {n}: {e}"),
                }
            }
        }
    }
}
