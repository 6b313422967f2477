use super::*;
use crate::security::{Profile, Role, CHUNK_DEGREE_BITS_MAX, PROVEN_BITS, SHRINK_BITS};

/// The counts of a circuit with the gates of a recursive verifier, at a number of rows of choice.
fn counts(profile: Profile, role: Role, degree_bits: usize) -> Counts {
    let config = profile.circuit_config(role);
    let c = config.num_challenges;
    Counts {
        degree_bits,
        rate_bits: config.fri_config.rate_bits,
        queries: config.fri_config.num_query_rounds,
        work_bits: config.fri_config.proof_of_work_bits as usize,
        arity_bits: config.fri_config.fri_params(degree_bits, false).reduction_arity_bits,
        num_challenges: c,
        routed_wires: config.num_routed_wires,
        quotient_degree_factor: config.max_quotient_degree_factor,
        // Seven constants, then as in `Counts::of`.
        batched_polynomials: 7 + config.num_routed_wires + config.num_wires + c * (10 + 8) + c,
        vanishing_terms: 123 + c * 11,
        has_lookups: false,
        hash: ProofHash::Goldilocks,
    }
}

fn assert_bits(got: f64, expected: f64) {
    assert!((got - expected).abs() < 0.05, "{got} bits, expected {expected}");
}

#[test]
fn a_full_chunk_is_proven_to_100_bits() {
    let report = counts(Profile::Proven, Role::Chunk, CHUNK_DEGREE_BITS_MAX).report();
    println!("{report}");
    assert_eq!(report.regime, Regime::UniqueDecoding);
    assert!(report.proven_bits >= PROVEN_BITS as f64);
    assert_bits(report.proven_bits, 100.1);
    assert_bits(report.term_bits("permutation").unwrap(), 125.0);
    assert_bits(report.term_bits("combination").unwrap(), 100.9);
    assert_bits(report.term_bits("queries").unwrap(), 101.3);
    assert_bits(report.term_bits("out of domain").unwrap(), 108.8);
}

#[test]
fn lift_and_join_are_proven_to_100_bits() {
    for role in [Role::Lift, Role::Join] {
        let report = counts(Profile::Proven, role, 15).report();
        println!("{report}");
        assert_eq!(report.regime, Regime::UniqueDecoding);
        assert!(report.proven_bits >= PROVEN_BITS as f64);
        assert_bits(report.proven_bits, 100.1);
    }
}

#[test]
fn a_larger_chunk_would_fall_short() {
    let report = counts(Profile::Proven, Role::Chunk, CHUNK_DEGREE_BITS_MAX + 1).report();
    assert!(report.proven_bits < PROVEN_BITS as f64);
}

#[test]
fn one_query_or_bit_of_work_less_would_fall_short() {
    for (role, degree_bits) in [(Role::Chunk, CHUNK_DEGREE_BITS_MAX), (Role::Join, 15)] {
        let full = counts(Profile::Proven, role, degree_bits);
        let less_work = Counts { work_bits: full.work_bits - 1, ..full.clone() };
        assert!(less_work.report().proven_bits < PROVEN_BITS as f64, "{role}");
    }
    let full = counts(Profile::Proven, Role::Chunk, CHUNK_DEGREE_BITS_MAX);
    let fewer = Counts { queries: full.queries - 1, ..full };
    assert!(fewer.report().proven_bits < PROVEN_BITS as f64);
}

#[test]
fn fast_has_100_bits_by_the_old_count_and_under_60_by_proof() {
    let report = counts(Profile::Fast, Role::Chunk, 16).report();
    println!("{report}");
    assert_eq!(report.heuristic_bits, 100.0);
    assert_bits(report.proven_bits, 57.6);
    let unique = report.others.iter().find(|(regime, _)| *regime == Regime::UniqueDecoding).unwrap();
    assert_bits(unique.1, 39.2);
}

#[test]
fn a_term_of_the_circuit_itself_counts() {
    let report = counts(Profile::Proven, Role::Chunk, 16).report();
    let bits = report.proven_bits;
    let term = Term { name: "memory", bits, formula: String::new(), source: "" };
    assert_bits(report.with(term).proven_bits, bits - 1.0);
}

#[test]
fn two_challenges_leave_the_permutation_argument_at_83_bits() {
    let report = counts(Profile::Fast, Role::Chunk, 16).report();
    // Johnson counts a list of codewords, so a few bits less than (80·2^16 / p)^2 = 2^-83.4.
    let permutation = report.term_bits("permutation").unwrap();
    assert!((75.0..83.4).contains(&permutation), "{permutation}");
}

#[test]
fn layers_after_the_join_have_83_bits() {
    for (role, expected) in Role::AFTER_JOIN.into_iter().zip([87.2, 83.2, 84.0, 84.2]) {
        let counts = counts(Profile::Proven, role, role.fixed_degree_bits().unwrap());
        let report =
            counts.hashed_with(if role == Role::Shrink { ProofHash::Bn254 } else { ProofHash::Goldilocks }).report();
        println!("{role} {report}");
        assert!(report.proven_bits >= SHRINK_BITS as f64);
        assert!((report.proven_bits - expected).abs() < 0.3, "{role}: {}", report.proven_bits);
    }
}

#[test]
fn more_queries_or_challenges_bring_shrink_less_than_half_a_bit() {
    let shrink = counts(Profile::Proven, Role::Shrink, 12);
    let bits = |counts: &Counts| counts.report().proven_bits;
    let more = Counts { num_challenges: 3, queries: shrink.queries + 10, ..shrink.clone() };
    assert!(bits(&more) - bits(&shrink) < 0.5);
}
