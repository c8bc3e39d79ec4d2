//! Entries are changed, and what stands around them stays.

use proptest::prelude::*;

use super::*;

const FILE: &str = "# The schedule.\nchannel = \"x\" # its channel\n\n# What stands every week.\n\n\
                    # The news.\n[[weekly]]\ndays  = \"daily\" # all\nstart = \"19:00\"\n\n\
                    [[weekly]]\ndays = [\"mon\"]\nstart = \"20:00\"\n\n# The end.\n";

#[test]
fn a_change_leaves_everything_else_as_it_was() {
    let all = entries(FILE, "weekly").expect("entries");
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].text(), "# The news.\n[[weekly]]\ndays  = \"daily\" # all\nstart = \"19:00\"\n");
    let later = all[0].with("weekly", [("start", Some("19:30".into())), ("days", Some("daily".into()))]);
    let later = later.expect("changed");
    let changed = swap(FILE, "weekly", Some(&all[0]), Some(&later)).expect("swapped");
    assert_eq!(changed, FILE.replace("19:00", "19:30"));
    assert_eq!(swap(&changed, "weekly", Some(&later), Some(&all[0])).as_deref(), Ok(FILE));
    assert_eq!(swap(&changed, "weekly", Some(&all[0]), None), Err(EntryError::Gone));
}

#[test]
fn what_is_taken_out_takes_only_its_own_comment_along() {
    let all = entries(FILE, "weekly").expect("entries");
    let without = swap(FILE, "weekly", Some(&all[0]), None).expect("taken out");
    assert!(without.contains("# What stands every week.") && !without.contains("# The news."), "{without}");
    let none = swap(&without, "weekly", Some(&all[1]), None).expect("taken out");
    assert!(none.contains("# What stands every week.") && none.contains("# The end."), "{none}");
    assert!(!none.contains("weekly]]"), "{none}");
}

#[test]
fn a_new_one_stands_behind_the_last_of_its_like() {
    let file = "[[s]]\nn = 0\n\n[[a]]\nn = 1\n\n[[a]]\nn = 2\n\n# b\n[[b]]\nn = 3\n";
    let new = Entry::new("a").with("a", [("n", Some(4.into()))]).expect("made");
    let added = swap(file, "a", None, Some(&new)).expect("added");
    assert_eq!(added, file.replace("\n# b", "\n[[a]]\nn = 4\n\n# b"));
}

#[test]
fn a_new_one_stands_behind_its_like() {
    let file = "[[a]]\nn = 1\n\n[[b]]\nn = 2\n";
    let new = Entry::new("a").with("a", [("n", Some(3.into()))]).expect("made");
    let added = swap(file, "a", None, Some(&new)).expect("added");
    assert_eq!(added, "[[a]]\nn = 1\n\n[[a]]\nn = 3\n\n[[b]]\nn = 2\n");
    let first = Entry::new("c").with("c", [("n", Some(4.into()))]).expect("made");
    assert_eq!(swap(file, "c", None, Some(&first)).as_deref(), Ok(&*format!("{file}\n[[c]]\nn = 4\n")));
}

#[test]
fn the_keys_before_the_tables_are_an_entry_too() {
    let root = entries(FILE, ROOT).expect("root").remove(0);
    assert_eq!(root.values().get("channel").and_then(|v| v.as_str()), Some("x"));
    let other = root.with(ROOT, [("channel", Some("y".into())), ("n", Some(1.into()))]).expect("changed");
    let changed = swap(FILE, ROOT, Some(&root), Some(&other)).expect("swapped");
    assert!(changed.starts_with("# The schedule.\nchannel = \"y\" # its channel\nn = 1\n"), "{changed}");
    assert_eq!(swap(&changed, ROOT, Some(&other), Some(&root)).as_deref(), Ok(FILE));
}

#[test]
fn what_is_written_in_another_way_is_left_to_people() {
    assert!(matches!(entries("weekly = [{ a = 1 }]", "weekly"), Err(EntryError::NotTables(_))));
    assert!(matches!(entries("weekly = [", "weekly"), Err(EntryError::NotToml(_))));
}

fn steps() -> impl Strategy<Value = Vec<(bool, usize, i64)>> {
    proptest::collection::vec((any::<bool>(), 0..9_usize, 0..99_i64), 1..12)
}

proptest! {
    /// Any order of additions and removals leaves a file in which the rest
    /// stands as it stood, and each step can be taken back.
    #[test]
    fn every_step_can_be_taken_back(steps in steps()) {
        let mut text = FILE.to_owned();
        for (add, which, n) in steps {
            let all = entries(&text, "weekly").expect("entries");
            let (from, to) = if add || all.is_empty() {
                let new = Entry::new("weekly").with("weekly", [("start", Some(n.into()))]).expect("made");
                (None, Some(new))
            } else {
                let from = all[which % all.len()].clone();
                let to = from.with("weekly", [("start", Some(n.into()))]).expect("changed");
                (Some(from), (n % 2 == 0).then_some(to))
            };
            let next = swap(&text, "weekly", from.as_ref(), to.as_ref()).expect("swapped");
            let back = swap(&next, "weekly", to.as_ref(), from.as_ref()).expect("taken back");
            let sorted = |text: &str| {
                let mut all: Vec<String> = entries(text, "weekly").expect("entries").into_iter().map(|e| e.0).collect();
                all.sort();
                all
            };
            // One that was taken out comes back behind the others.
            prop_assert_eq!(sorted(&back), sorted(&text));
            for kept in ["# The schedule.", "# its channel", "# What stands every week.", "# The end."] {
                prop_assert!(next.contains(kept), "{} is lost: {}", kept, next);
            }
            text = next;
        }
    }
}
