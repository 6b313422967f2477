use ark_ff::{MontFp, PrimeField, UniformRand};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;

/// circomlib's `poseidon` of three inputs and less, which has widths that are not used here.
fn circomlib<const T: usize>(partial_rounds: usize, inputs: &[u64]) -> Fr {
    let state = std::array::from_fn(|i| if i == 0 { Fr::ZERO } else { Fr::from(inputs[i - 1]) });
    Poseidon::<T>::new(partial_rounds).permute_to_first(&state)
}

#[test]
fn the_permutations_are_those_of_circomlib() {
    let two = MontFp!("7853200120776062878684798364095072458815029376092732009249414926327459813530");
    let four = MontFp!("18821383157269793795438455681495246036402687001665670618754263018637548127333");
    assert_eq!(circomlib::<3>(57, &[1, 2]), two);
    assert_eq!(circomlib::<5>(NODE_PARTIAL_ROUNDS, &[1, 2, 3, 4]), four);
}

fn random_state<const T: usize>(rng: &mut ChaCha8Rng) -> [Fr; T] {
    std::array::from_fn(|i| match rng.get_word_pos() % 7 + i as u128 {
        0 => Fr::ZERO,
        1 => -Fr::ONE,
        _ => Fr::rand(rng),
    })
}

fn check_against_textbook<const T: usize>(poseidon: &Poseidon<T>) {
    let mut rng = ChaCha8Rng::seed_from_u64(T as u64);
    let mut state = [-Fr::ONE; T];
    for _ in 0..200 {
        let expected = poseidon.permute_textbook(state);
        assert_eq!(poseidon.permute(&state), expected);
        assert_eq!(poseidon.permute_to_first(&state), expected[0]);
        state = random_state(&mut rng);
    }
}

#[test]
fn the_fast_form_is_the_textbook_form() {
    check_against_textbook(&NODE);
    check_against_textbook(&LEAF);
}

#[test]
fn all_constants_are_pinned() {
    let fold = |elements: &mut dyn Iterator<Item = &Fr>| elements.fold(Fr::ZERO, |sum, x| sum * Fr::from(3u64) + x);
    let of = |constants: Fr, matrix: Fr| [constants, matrix].map(|x| x.into_bigint().to_string());
    let node = of(fold(&mut NODE.round_constants.iter().flatten()), fold(&mut NODE.matrix.iter().flatten()));
    let leaf = of(fold(&mut LEAF.round_constants.iter().flatten()), fold(&mut LEAF.matrix.iter().flatten()));
    assert_eq!(
        node,
        [
            "1698346806172663282248875549281797131037682265473745558753369218377767892711",
            "11920346481616844510901739046443497738976432999888718771012039082982453554432"
        ]
    );
    assert_eq!(
        leaf,
        [
            "1073499068574970013319980818349449288868949299455819489060660063189020995150",
            "11345916500820916690680177631095205203029436642853302785225969904722332033843"
        ]
    );
}

#[test]
#[ignore = "a measurement"]
fn measure() {
    fn time<const T: usize>(name: &str, poseidon: &Poseidon<T>) {
        let runs = 20_000;
        let mut state = [Fr::from(7u64); T];
        let start = std::time::Instant::now();
        (0..runs).for_each(|_| state = poseidon.permute(&state));
        let fast = start.elapsed().as_secs_f64() / f64::from(runs);
        let start = std::time::Instant::now();
        (0..runs).for_each(|_| state = poseidon.permute_textbook(state));
        let textbook = start.elapsed().as_secs_f64() / f64::from(runs);
        println!("{name}: {:.2} µs, textbook {:.2} µs ({})", fast * 1e6, textbook * 1e6, state[0]);
    }
    time("width 5", &NODE);
    time("width 9", &LEAF);
}
