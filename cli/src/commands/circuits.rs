//! `sheaf circuits`.

use std::fmt;

use anyhow::Result;
use clap::Args;
use plonky2::plonk::circuit_data::CommonCircuitData;
use serde::Serialize;
use sheaf_aggregator::allowed_set::leaf;
use sheaf_aggregator::pipeline::{PinnedCircuits, Program, Programs};
use sheaf_aggregator::shrink::layer_counts;
use sheaf_circuits::availability::WORD_BYTES;
use sheaf_circuits::chunk::circuit::ChunkCircuit;
use sheaf_circuits::chunk::{shapes, Shape, SlotClass};
use sheaf_circuits::contract::FormId;
use sheaf_circuits::hash::{Digest, D, F};
use sheaf_circuits::security::soundness::{soundness, SecurityReport, Term};
use sheaf_circuits::security::{Profile, Role};
use sheaf_circuits::transaction::HEAD_WORDS;

use crate::failure::Advice;
use crate::groth16::programs;
use crate::numbers::Count;
use crate::printer::Printer;
use crate::Answer;

/// How many of a part are added to see what one more takes: the rows of shared gates then count exactly, to a hundredth.
const SAMPLE: usize = 100;

/// Show the circuits: shapes, rows by part, digests, and how sound they are
///
/// Rows of parts are marginal: what one more of it adds to a circuit. Parts share rows of small operations, so they are
/// not whole numbers.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf circuits
  sheaf circuits --security fast --json

Exit codes:
  0  done
  2  wrong usage")]
pub struct Circuits {
    /// Only this profile [default: both]
    #[arg(long, value_name = "PROFILE")]
    security: Option<Profile>,
}

impl Circuits {
    /// Shows the circuits.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let profiles = Profile::ALL.into_iter().filter(|profile| self.security.is_none_or(|only| only == *profile));
        let report = Report {
            parts: parts(),
            shapes: shapes::all().iter().map(ShapeReport::of).collect(),
            circuits: profiles.map(circuits).collect::<Result<Vec<_>>>()?.concat(),
            after_join: Role::AFTER_JOIN.map(LayerReport::of).into(),
            l1: L1Report::of(&programs()?),
        };
        printer.report(&report)?;
        Ok(Answer::Yes)
    }
}

#[derive(Serialize)]
struct Report {
    parts: Vec<Part>,
    shapes: Vec<ShapeReport>,
    circuits: Vec<CircuitReport>,
    after_join: Vec<LayerReport>,
    l1: L1Report,
}

/// What L1 knows.
#[derive(Serialize)]
struct L1Report {
    /// SHA-256 of the wrap's constraints: what Groth16 keys are made for.
    wrap: String,
    /// Programs and their ids.
    programs: Vec<(String, String)>,
}

impl L1Report {
    fn of(programs: &Programs) -> Self {
        let id = |program: Program| (program.to_string(), programs.verifier(program).program_id().to_string());
        Self { wrap: programs.wrap().to_string(), programs: Program::ALL.map(id).into() }
    }
}

/// What one more of a part takes.
#[derive(Serialize)]
struct Part {
    part: String,
    rows: f64,
}

fn parts() -> Vec<Part> {
    const N: usize = SAMPLE;
    let rows = |more: Option<SlotClass>, header_cells, slot_cells| {
        let runs =
            SlotClass::PROTOCOL.into_iter().map(|class| (class, N)).chain(more.map(|class| (class, N))).collect();
        ChunkCircuit::rows(&Shape { name: "sample", degree_bits: 16, runs, header_cells, slot_cells })
    };
    let base = rows(None, N, N);
    let one_more = |with: usize| (with - base) as f64 / N as f64;
    let [gas, asset, any] = SlotClass::PROTOCOL.map(|class| one_more(rows(Some(class), N, N)));
    let header = one_more(rows(None, 2 * N, N));
    let slot = one_more(rows(None, N, 2 * N));
    let calls = FormId::all().map(|form| {
        let kinds: Vec<_> = form.spec().kinds.iter().map(|kind| kind.name).collect();
        let bytes = WORD_BYTES * (HEAD_WORDS + form.spec().extra_words());
        let part = format!("slot for {}; {bytes} bytes published", kinds.join(", "));
        (part, one_more(rows(Some(SlotClass::Calls(form)), N, N)))
    });
    let parts = [
        ("slot for a transfer of asset 0, signature and accesses included", gas),
        ("slot for a transfer of any asset", asset),
        ("slot for any kind", any),
        ("header opened", header),
        ("slot of an account opened, its header included", slot),
        ("transfer of asset 0, two fresh accounts", gas + 2.0 * header),
        ("transfer of another asset, two fresh accounts, four cells", asset + 2.0 * slot),
    ];
    let parts = parts.map(|(part, rows)| (part.to_owned(), rows)).into_iter();
    parts.chain(calls).map(|(part, rows)| Part { part, rows }).collect()
}

/// What a shape has room for.
#[derive(Serialize)]
struct ShapeReport {
    name: &'static str,
    degree_bits: usize,
    rows: usize,
    transactions: usize,
    headers: usize,
    slots: usize,
}

impl ShapeReport {
    fn of(shape: &Shape) -> Self {
        Self {
            name: shape.name,
            degree_bits: shape.degree_bits,
            rows: ChunkCircuit::rows(shape),
            transactions: shape.slot_count(),
            headers: shape.header_cells,
            slots: shape.slot_cells,
        }
    }
}

#[derive(Clone, Serialize)]
struct CircuitReport {
    profile: Profile,
    circuit: String,
    degree_bits: usize,
    gates: usize,
    /// H(cap of constants and sigmas, circuit digest): its leaf in the set of allowed circuits.
    leaf: Digest,
    heuristic_bits: f64,
    proven_bits: f64,
    regime: String,
    terms: Vec<TermReport>,
}

/// A layer after the join, whose parameters no profile changes.
#[derive(Serialize)]
struct LayerReport {
    layer: &'static str,
    degree_bits: usize,
    rate_bits: usize,
    queries: usize,
    work_bits: usize,
    heuristic_bits: f64,
    proven_bits: f64,
    regime: String,
    /// What the other regimes prove.
    others: Vec<(String, f64)>,
    terms: Vec<TermReport>,
}

impl LayerReport {
    fn of(role: Role) -> Self {
        let counts = layer_counts(role);
        let security = counts.report();
        Self {
            layer: role.name(),
            degree_bits: counts.degree_bits,
            rate_bits: counts.rate_bits,
            queries: counts.queries,
            work_bits: counts.work_bits,
            heuristic_bits: security.heuristic_bits,
            proven_bits: security.proven_bits,
            regime: security.regime.to_string(),
            others: security.others.iter().map(|(regime, bits)| (regime.to_string(), *bits)).collect(),
            terms: security.terms.into_iter().map(TermReport::from).collect(),
        }
    }
}

/// One summand of the error.
#[derive(Clone, Serialize)]
struct TermReport {
    name: &'static str,
    bits: f64,
    formula: String,
    source: &'static str,
}

impl From<Term> for TermReport {
    fn from(Term { name, bits, formula, source }: Term) -> Self {
        Self { name, bits, formula, source }
    }
}

fn circuits(profile: Profile) -> Result<Vec<CircuitReport>> {
    let pinned = PinnedCircuits::load(profile).map_err(|error| {
        anyhow::Error::new(error).context(Advice::new("the pinned circuits are damaged", "install sheaf anew"))
    })?;
    let report =
        |circuit: String, common: &CommonCircuitData<F, D>, leaf: Digest, security: SecurityReport| CircuitReport {
            profile,
            circuit,
            degree_bits: common.degree_bits(),
            gates: common.gates.len(),
            leaf,
            heuristic_bits: security.heuristic_bits,
            proven_bits: security.proven_bits,
            regime: security.regime.to_string(),
            terms: security.terms.into_iter().map(TermReport::from).collect(),
        };
    let mut circuits: Vec<_> = pinned
        .chunks
        .iter()
        .zip(shapes::all())
        .map(|(chunk, shape)| {
            let security = soundness(&chunk.common).with(memory_term(&shape));
            report(format!("chunk {}", chunk.name), &chunk.common, leaf(&chunk.verifier_only), security)
        })
        .collect();
    let (set, common) = (pinned.verifier.set().root(), pinned.verifier.shape().common());
    circuits.push(report("lift and join (set)".to_owned(), common, set, soundness(common)));
    Ok(circuits)
}

/// What the chunk's own memory argument may miss: see `sheaf_circuits::chunk::memory`.
fn memory_term(shape: &Shape) -> Term {
    // Both sides hold the cells, a header beside each slot, and the accesses of the transactions.
    let cells = shape.header_cells + 2 * shape.slot_cells;
    let tuples = cells + shape.slots().map(SlotClass::accesses).sum::<usize>() + 1;
    Term {
        name: "memory",
        bits: 128.0 - (5.0 * tuples as f64).log2(),
        formula: format!("5 * {tuples} / p^2"),
        source: "Schwartz-Zippel, over (gamma, beta)",
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Rows of one more")?;
        for Part { part, rows } in &self.parts {
            writeln!(f, "  {rows:>7.2}  {part}")?;
        }
        writeln!(f, "\nShapes       rows used     of   transactions   headers   slots")?;
        for shape in &self.shapes {
            writeln!(
                f,
                "  {:<10} {:>9} {:>6} {:>14} {:>9} {:>7}",
                shape.name,
                Count(shape.rows as u64),
                format!("2^{}", shape.degree_bits),
                shape.transactions,
                shape.headers,
                shape.slots
            )?;
        }
        writeln!(f, "\nCircuits                       rows   gates   heuristic bits   proven bits   digest")?;
        for circuit in &self.circuits {
            writeln!(
                f,
                "  {:<6} {:<20} {:>6} {:>7} {:>16.1} {:>13.1}   {}",
                circuit.profile.name(),
                circuit.circuit,
                format!("2^{}", circuit.degree_bits),
                circuit.gates,
                circuit.heuristic_bits,
                circuit.proven_bits,
                circuit.leaf
            )?;
        }
        writeln!(f, "\nAfter the join, any profile   rows   rate   queries   work   heuristic bits   proven bits")?;
        for layer in &self.after_join {
            writeln!(
                f,
                "  {:<25} {:>6} {:>6} {:>9} {:>6} {:>16.1} {:>13.1}",
                layer.layer,
                format!("2^{}", layer.degree_bits),
                format!("1/{}", 1 << layer.rate_bits),
                layer.queries,
                layer.work_bits,
                layer.heuristic_bits,
                layer.proven_bits
            )?;
        }
        writeln!(f, "\nOn L1                        digest")?;
        writeln!(f, "  {:<26} {}", "wrap (Groth16 circuit)", self.l1.wrap)?;
        for (program, id) in &self.l1.programs {
            writeln!(f, "  {:<26} {id}", format!("program: {program}"))?;
        }
        writeln!(f, "\nTerms of the proven count, in bits (2^-bits is the term's error; errors add up)")?;
        for circuit in &self.circuits {
            writeln!(f, "  {} {}, {} regime", circuit.profile.name(), circuit.circuit, circuit.regime)?;
            for term in &circuit.terms {
                writeln!(f, "    {:>7.1}  {}: {} [{}]", term.bits, term.name, term.formula, term.source)?;
            }
        }
        for layer in &self.after_join {
            writeln!(f, "  {}, {} regime", layer.layer, layer.regime)?;
            for term in &layer.terms {
                writeln!(f, "    {:>7.1}  {}: {} [{}]", term.bits, term.name, term.formula, term.source)?;
            }
            for (regime, bits) in &layer.others {
                writeln!(f, "    {bits:>7.1}  in all, by {regime}")?;
            }
        }
        Ok(())
    }
}
