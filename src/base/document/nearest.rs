//! "Did you mean": the nearest of a few names.

/// `, did you mean …?` for the nearest of `names`, or a list of them where
/// none is near; empty where there are no names.
pub(crate) fn did_you_mean<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    let reach = if wrong.chars().count() <= 4 { 1 } else { 2 };
    let near = names.iter().map(|n| (distance(wrong, n), n)).filter(|(d, _)| *d <= reach).min();
    match near {
        Some((_, name)) => format!(": did you mean `{name}`?"),
        None if names.is_empty() => String::new(),
        None if names.len() <= 24 => format!(": expected one of {}", names.join(", ")),
        None => String::new(),
    }
}

/// Insertions, deletions, replacements and swaps of neighbours from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let names = ["window", "number", "languages"];
        assert_eq!(did_you_mean("widnow", names.into_iter()), ": did you mean `window`?");
        assert_eq!(did_you_mean("language", names.into_iter()), ": did you mean `languages`?");
        let far = did_you_mean("colour", names.into_iter());
        assert_eq!(far, ": expected one of languages, number, window");
        assert_eq!(did_you_mean("x", std::iter::empty()), "");
    }
}
