//! The results as rows of a Markdown table.

use std::fmt::Write;

use crate::load::LoadFigures;

/// The head of a table of `row`s.
pub const HEAD: &str = "\
| work | per second | errors | p50 ms | p90 ms | p99 ms | p99.9 ms | max ms | server's CPU µs each | server's CPU % | MiB |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
";

/// One line of the table.
pub fn row(name: &str, figures: &LoadFigures) -> String {
    let mut row = format!("| {name} | {:.0} | {} |", figures.rate(), figures.errors);
    for quantile in [0.5, 0.9, 0.99, 0.999, 1.0] {
        let micros = u32::try_from(figures.latency.value_at_quantile(quantile)).unwrap_or(u32::MAX);
        let _ = write!(row, " {:.2} |", f64::from(micros) / 1000.0);
    }
    let busy = 100.0 * figures.processor / figures.elapsed.as_secs_f64();
    let _ = writeln!(row, " {:.1} | {busy:.0} | {:.1} |", figures.cost(), mib(figures.resident));
    row
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
