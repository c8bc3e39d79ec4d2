//! Documents that belong to lessons: through the inbox and the office, to whoever takes them home.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fs;
use std::io::{Read as _, Write as _};

use serde_json::Value;
use support::browser::{an_office, to};
use support::county::{a_county, names};
use support::media::package_lesson;
use support::server::{PATIENCE, Server};
use support::time::wait_for;

/// A PDF of two pages.
fn pdf() -> Vec<u8> {
    let page = |n: u32| format!("{n} 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 300]>>endobj\n");
    format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
         2 0 obj<</Type/Pages/Count 2/Kids[3 0 R 4 0 R]>>endobj\n{}{}trailer<</Root 1 0 R>>\n%%EOF\n",
        page(3),
        page(4)
    )
    .into_bytes()
}

/// Slides, as PowerPoint keeps them.
fn slides() -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in [
        ("[Content_Types].xml", "<Types/>"),
        ("docProps/app.xml", "<Properties><Slides>12</Slides></Properties>"),
    ] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).expect("a part");
        archive.write_all(text.as_bytes()).expect("written");
    }
    archive.finish().expect("an archive").into_inner()
}

/// The documents of the lesson `grape`, once there are so many.
fn documents(server: &Server, count: usize) -> Vec<Value> {
    wait_for(&format!("{count} documents"), PATIENCE, || {
        let lesson = server.client.get("/api/v1/lessons/grape").json();
        lesson["attachments"].as_array().filter(|all| all.len() == count).cloned()
    })
}

#[test]
fn documents_go_with_their_lesson_and_out_of_it() {
    let county = a_county();
    package_lesson(&county, "grape", 4);
    let (server, mut admin) = an_office(&county);
    let address = server.client.address;
    let inbox = county.inbox();
    fs::write(inbox.join("grape.pdf"), pdf()).expect("dropped");
    fs::write(inbox.join("grape.讲义 1.pptx"), slides()).expect("dropped");
    fs::write(inbox.join("grape.bad.docx"), b"MZ a program").expect("dropped");
    fs::write(inbox.join("apple.pdf"), pdf()).expect("dropped");

    let all = documents(&server, 2);
    let told: Vec<_> = all.iter().map(|d| (d["name"].as_str(), d["pages"].as_u64())).collect();
    assert_eq!(told, [(Some("grape.pdf"), Some(2)), (Some("讲义 1.pptx"), Some(12))]);
    let path = all[1]["path"].as_str().expect("a path");
    let whole = server.client.good(path);
    assert_eq!(whole.body, slides());
    let said = whole.header("content-disposition").expect("a name").to_owned();
    assert!(said.starts_with("attachment;") && said.contains("%E8%AE%B2%E4%B9%89%201.pptx"), "{said}");
    let tag = whole.header("etag").expect("a tag").to_owned();
    let part = server.client.ask("GET", path, &[("range", "bytes=4-9"), ("if-range", &tag)]);
    assert_eq!((part.status, &part.body[..]), (206, &slides()[4..10]));
    assert_eq!(server.client.ask("GET", path, &[("if-none-match", &tag)]).status, 304);
    let picture = server.client.good(all[0]["thumbnail"].as_str().expect("a picture"));
    assert!(picture.body.starts_with(&[0xff, 0xd8, 0xff]), "its first page, drawn");
    assert_eq!(all[1]["thumbnail"], Value::Null);
    for unknown in ["apple.pdf", "..%2F..%2Fcounty.toml", ".grape.pdf.json", "grape.pdf/other"] {
        assert_eq!(server.client.get(&format!("/lessons/grape/files/{unknown}")).status, 404, "{unknown}");
    }
    let page = server.client.good("/lessons/grape?lang=en").text();
    assert!(page.contains("讲义 1.pptx") && page.contains("Pages: 12"), "{page}");

    // The lesson with both, as one archive that can be gone on with.
    assert!(page.contains("/lessons/grape/download.zip?"), "{page}");
    let archive = server.client.good("/lessons/grape/download.zip?lang=ug-Arab");
    let said = archive.header("content-disposition").expect("a name");
    assert!(said.contains("grape.zip") && said.contains(".zip"), "{said}");
    let tag = archive.header("etag").expect("a tag");
    let half = archive.body.len() / 2;
    let rest = server.client.ask(
        "GET",
        "/lessons/grape/download.zip?lang=ug-Arab",
        &[("range", &format!("bytes={half}-")), ("if-range", tag)],
    );
    assert_eq!((rest.status, &rest.body[..]), (206, &archive.body[half..]));
    let mut parts = zip::ZipArchive::new(std::io::Cursor::new(&archive.body)).expect("an archive");
    let mut part = |name: &str| {
        let mut bytes = Vec::new();
        parts.by_name(name).expect(name).read_to_end(&mut bytes).expect("its bytes");
        bytes
    };
    assert_eq!(part("讲义 1.pptx"), slides());
    assert_eq!(part("葡萄栽培.mp4"), server.client.good("/lessons/grape/download?lang=ug-Arab").body);

    // What is no document is told, what has no lesson waits and is shown.
    let rejected = county.path("media/rejected");
    wait_for("the program to be put aside", PATIENCE, || {
        names(&rejected).contains(&"grape.bad.docx".into()).then_some(())
    });
    let why = fs::read_to_string(rejected.join("grape.bad.docx.reason.txt")).expect("a reason");
    assert!(why.contains("it is no DOCX"), "{why}");
    let list = admin.get("/office/lessons?lang=en").text();
    assert!(list.contains("apple.pdf"), "{list}");
    assert_eq!(names(&inbox), ["apple.pdf"]);

    // Taken out in the office: gone from pages, kept aside, in the log. The rest outlives a crash.
    let before = admin.get("/office/lessons/grape/files?lang=en").with(200, "its documents").text();
    assert!(before.contains("grape.pdf") && before.contains("data-document-of=\"grape\""), "{before}");
    let answer = admin.act("/office/lessons/grape/files/remove", "name=grape.pdf");
    assert!(to(&answer).starts_with("/office/lessons/grape/files?done="), "{answer:?}");
    assert_eq!(admin.act("/office/lessons/grape/files/remove", "name=grape.pdf").status, 404);
    assert_eq!(fs::read(county.path("media/originals/attachments/grape/grape.pdf")).expect("kept"), pdf());
    let audit = admin.get("/office/audit?lang=en").text();
    assert!(audit.contains("added a document") && audit.contains("took a document out"), "{audit}");
    server.kill();
    let server = Server::start_again(&county, address).ready();
    assert_eq!(documents(&server, 1)[0]["name"], "讲义 1.pptx");

    // The lesson comes, and with it what waited for it.
    package_lesson(&county, "apple", 4);
    wait_for("the document that waited", PATIENCE, || {
        let lesson = server.client.get("/api/v1/lessons/apple").json();
        (lesson["attachments"][0]["name"] == "apple.pdf").then_some(())
    });
}
