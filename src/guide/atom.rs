//! What is new in the library as an Atom feed (RFC 4287).

use std::fmt::Write;

use jiff::Timestamp;

use super::xml::escape;
use crate::base::{Lang, Titles};

/// A lesson of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Its identifier.
    pub id: String,
    /// Its titles.
    pub titles: Titles,
    /// When it came into the library, or was made anew.
    pub updated: Timestamp,
}

/// The feed called `title`, newest first, titles in `lang` where there are
/// any. `base_url` is the server's address without a slash at the end.
pub fn atom(news: &[News], title: &str, lang: &Lang, base_url: &str) -> String {
    let base = escape(base_url);
    let updated = news.iter().map(|n| n.updated).max().unwrap_or(Timestamp::UNIX_EPOCH);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{lang}\">\n\
         <id>{base}/lessons</id>\n<title>{}</title>\n<updated>{updated:.0}</updated>\n\
         <author><name>{}</name></author>\n\
         <link rel=\"self\" href=\"{base}/lessons.atom\"/>\n<link href=\"{base}/lessons\"/>\n",
        escape(title),
        escape(title),
    );
    let mut sorted: Vec<&News> = news.iter().collect();
    sorted.sort_by(|a, b| b.updated.cmp(&a.updated).then_with(|| a.id.cmp(&b.id)));
    for item in sorted {
        let (told_in, name) = item.titles.best(lang).unwrap_or((lang, &item.id));
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "<entry>\n<id>{base}/lessons/{id}</id>\n<title xml:lang=\"{told_in}\">{}</title>\n\
             <updated>{:.0}</updated>\n<link href=\"{base}/lessons/{id}\"/>\n</entry>",
            escape(name),
            item.updated,
            id = escape(&item.id),
        );
    }
    out.push_str("</feed>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_comes_first() {
        let zh = Lang::new("zh-Hans").expect("a tag");
        let news = |id: &str, title: &str, at: i64| News {
            id: id.to_owned(),
            titles: Titles([(zh.clone(), title.to_owned())].into()),
            updated: Timestamp::from_second(at).expect("an instant"),
        };
        let feed = atom(&[news("a", "旧", 10), news("b", "新 <&>", 20)], "新课程", &zh, "http://x");
        assert!(feed.find("lessons/b") < feed.find("lessons/a"), "{feed}");
        assert!(
            feed.contains("新 &lt;&amp;&gt;") && feed.contains("<updated>1970-01-01T00:00:20Z</updated>")
        );
        assert!(atom(&[], "新课程", &zh, "http://x").contains("<updated>1970-01-01T00:00:00Z</updated>"));
    }
}
