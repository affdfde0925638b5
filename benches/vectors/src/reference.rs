//! Every type and distance in `f64`, from the vectors as they are before they are stored: written for clarity, not for speed.

use std::collections::HashSet;

/// The types of vectors, by the functions that make them.
pub const TYPES: [&str; 5] = ["vector32", "vector64", "vector8", "vector1bit", "vector32_sparse"];
/// The distances, by the ends of their functions' names.
pub const DISTANCES: [&str; 4] = ["cos", "l2", "dot", "jaccard"];

/// What a vector of this type stands for.
pub fn stored(kind: &str, vector: &[f32]) -> Vec<f64> {
    let wide = vector.iter().map(|x| f64::from(*x));
    match kind {
        "vector1bit" => wide.map(|x| if x > 0.0 { 1.0 } else { 0.0 }).collect(),
        "vector8" => {
            let (min, max) = vector.iter().fold((f32::MAX, f32::MIN), |(min, max), x| (min.min(*x), max.max(*x)));
            let alpha = (max - min) / 255.0;
            let step = |x: &f32| ((x - min) / alpha + 0.5).trunc().clamp(0.0, 255.0);
            vector.iter().map(|x| f64::from(step(x) * alpha + min)).collect()
        }
        _ => wide.collect(),
    }
}

/// The distance between two vectors of this type.
pub fn distance(kind: &str, distance: &str, a: &[f64], b: &[f64]) -> f64 {
    let pairs = || a.iter().zip(b);
    let sum = |of: fn(f64, f64) -> f64| pairs().map(|(x, y)| of(*x, *y)).sum::<f64>();
    if kind == "vector1bit" {
        let different = sum(|x, y| f64::from(u8::from(x != y)));
        return match distance {
            "cos" => different,
            "dot" => 2.0 * different - a.len() as f64,
            _ => 1.0 - sum(f64::min) / sum(f64::max),
        };
    }
    let product = sum(|x, y| x * y);
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    match distance {
        "cos" => 1.0 - product / (norm(a) * norm(b)),
        "l2" => sum(|x, y| (x - y) * (x - y)).sqrt(),
        "dot" => -product,
        _ => 1.0 - sum(f64::min) / sum(f64::max),
    }
}

/// The rows are the closest ones, and their distances the exact ones within 1e-5 (of the distance, where that is more than 1). Rows at
/// the same exact distance may stand for each other.
pub fn check(what: &str, exact: &[f64], ours: &[(i64, f64)]) {
    let tolerance = |exact: f64| 1e-5 * exact.abs().max(1.0);
    let mut sorted = exact.to_vec();
    sorted.sort_by(f64::total_cmp);
    assert_eq!(ours.len(), exact.len().min(10), "{what}");
    let distinct: HashSet<i64> = ours.iter().map(|(id, _)| *id).collect();
    assert_eq!(distinct.len(), ours.len(), "{what}: a row came twice");
    for ((id, ours), closest) in ours.iter().zip(&sorted) {
        let exact = exact[*id as usize - 1];
        assert!((ours - exact).abs() <= tolerance(exact), "{what}: row {id} is at {exact}, not {ours}");
        assert!((exact - closest).abs() <= 1e-12 * closest.abs().max(1.0), "{what}: {id} at {exact} before {closest}");
    }
}
