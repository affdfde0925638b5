//! Statements that are deep, long or wide: an answer or an error, never an overflow of the stack.

use crate::Pair;

/// The frames of a debug build are many times those of a release build, so this needs a stack of its own.
fn check_list(queries: Vec<String>) {
    let run = move || {
        let mut pair = Pair::new();
        for sql in &queries {
            pair.check(sql);
        }
        pair.report();
    };
    std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn deep_and_long() {
    let chain = |op: &str, n: usize| vec!["a"; n].join(op);
    check_list(vec![
        format!("SELECT {} FROM t", chain("+", 900)),
        format!("SELECT {} FROM t", chain(" AND ", 900)),
        format!("SELECT {} FROM t", chain(" OR ", 900)),
        format!("SELECT a FROM t WHERE {}", chain(" AND ", 900)),
        format!("SELECT a FROM t WHERE {}", chain(" OR ", 900)),
        format!("SELECT {} FROM t", chain(" || ", 900)),
        format!("SELECT {}a FROM t", "NOT ".repeat(900)),
        format!("SELECT {}a FROM t", "- ".repeat(900)),
        format!("SELECT {}a{} FROM t", "abs(".repeat(90), ")".repeat(90)),
        format!("SELECT {}", vec!["1"; 1500].join(",")),
        format!(
            "SELECT {} FROM t",
            (0..300).map(|i| format!("CASE WHEN a={i} THEN 1 ELSE 0 END")).collect::<Vec<_>>().join("+")
        ),
        (0..400).map(|i| format!("SELECT {i}")).collect::<Vec<_>>().join(" UNION ALL "),
        (0..200).map(|i| format!("SELECT {}", i % 7)).collect::<Vec<_>>().join(" UNION "),
        (0..100).map(|i| format!("SELECT {}", i % 7)).collect::<Vec<_>>().join(" INTERSECT "),
        format!("VALUES {}", (0..2000).map(|i| format!("({i},'x')")).collect::<Vec<_>>().join(",")),
        format!("SELECT a FROM t WHERE a IN ({})", (0..2000).map(|i| i.to_string()).collect::<Vec<_>>().join(",")),
        format!("SELECT {}1{}", "(SELECT ".repeat(30), ")".repeat(30)),
        format!("SELECT * FROM {}t{}", "(SELECT * FROM ".repeat(30), ")".repeat(30)),
        format!(
            "SELECT count(*) FROM t WHERE {}",
            "EXISTS (SELECT 1 FROM u WHERE ".repeat(4) + "t.a = u.a" + &")".repeat(4)
        ),
    ]);
}
