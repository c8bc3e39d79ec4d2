use std::future::ready;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::session_tests::Encoder;
use super::{End, Publish, RtmpError, serve};

const FROM: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5);

type Served = JoinHandle<Result<End, RtmpError>>;

/// The encoder's end of a connection that is served, and the reader's end of the sink.
fn served(admitted: bool, sink: usize) -> (DuplexStream, DuplexStream, Served) {
    let (near, far) = duplex(1 << 20);
    let (into, out) = duplex(sink);
    let admit = move |publish: Publish| {
        assert_eq!((publish.app.as_str(), publish.from), ("live", FROM));
        assert!(!format!("{publish:?}").contains(&publish.key));
        ready(admitted.then_some(into))
    };
    (far, out, tokio::spawn(serve(near, FROM, admit)))
}

async fn said(served: Served) -> String {
    served.await.unwrap().unwrap_err().to_string()
}

#[tokio::test(start_paused = true)]
async fn what_the_encoder_sends_comes_out_as_flv() {
    let (mut far, mut out, served) = served(true, 1 << 20);
    let mut encoder = Encoder::default();
    far.write_all(&encoder.opening("secret")).await.unwrap();
    far.write_all(&encoder.message(9, 0x0100_0002, 1, &[0x17, 0])).await.unwrap();
    far.write_all(&encoder.command(1, &["deleteStream".into(), 0.0.into()])).await.unwrap();
    let mut flv = Vec::new();
    out.read_to_end(&mut flv).await.unwrap();
    assert_eq!(flv, b"FLV\x01\x05\0\0\0\x09\0\0\0\0\x09\0\0\x02\0\0\x02\x01\0\0\0\x17\0\0\0\0\x0d");
    assert_eq!(served.await.unwrap().unwrap(), End::Unpublished);
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_for_each_reason() {
    let opening = Encoder::default().opening("secret");

    let (mut far, _out, refused) = served(false, 1);
    far.write_all(&opening).await.unwrap();
    assert_eq!(refused.await.unwrap().unwrap(), End::Refused);
    let mut answer = Vec::new();
    far.read_to_end(&mut answer).await.unwrap();
    assert!(answer.windows(25).any(|w| w == b"NetStream.Publish.BadName"));

    let (mut far, _out, idle) = served(true, 1);
    far.write_all(&opening).await.unwrap();
    assert_eq!(idle.await.unwrap().unwrap(), End::Idle);

    let (mut far, _out, gone) = served(true, 1);
    far.write_all(&opening).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(14)).await;
    drop(far);
    assert_eq!(gone.await.unwrap().unwrap(), End::Disconnected);

    let (mut far, _out, player) = served(true, 1);
    let mut encoder = Encoder::default();
    let play = encoder.command(1, &["play".into(), 0.0.into()]);
    far.write_all(&[Encoder::handshake(), play].concat()).await.unwrap();
    assert_eq!(player.await.unwrap().unwrap(), End::Play);
}

#[tokio::test(start_paused = true)]
async fn who_dawdles_is_cut_off_in_words() {
    let (mut far, _out, slow) = served(true, 1);
    far.write_all(&Encoder::handshake()[..2000]).await.unwrap();
    assert_eq!(said(slow).await, "the handshake took longer than 10 s");

    let (mut far, _out, silent) = served(true, 1);
    far.write_all(&Encoder::handshake()).await.unwrap();
    assert_eq!(said(silent).await, "nothing was published within 20 s");

    let (mut far, _out, stalled) = served(true, 10);
    let mut encoder = Encoder::default();
    let opening = encoder.opening("secret");
    far.write_all(&[opening, encoder.message(9, 0, 1, &[0; 100])].concat()).await.unwrap();
    assert_eq!(said(stalled).await, "the stream could not be handed on: no bytes were taken for 5 s");

    let (mut far, out, failed) = served(true, 10);
    drop(out);
    let mut encoder = Encoder::default();
    let opening = encoder.opening("secret");
    far.write_all(&[opening, encoder.message(9, 0, 1, &[0; 100])].concat()).await.unwrap();
    assert!(said(failed).await.starts_with("the stream could not be handed on: "));

    let (mut far, _out, other) = served(true, 1);
    far.write_all(b"GET /").await.unwrap();
    assert_eq!(said(other).await, "the peer speaks no plain RTMP: its version is 71, not 3");

    let (far, _out, scan) = served(true, 1);
    drop(far);
    assert_eq!(said(scan).await, "the peer closed the connection before it published");
}

#[tokio::test(start_paused = true)]
async fn admitting_counts_as_waiting() {
    let (near, mut far) = duplex(1 << 20);
    let never = |_: Publish| std::future::pending::<Option<DuplexStream>>();
    let served = tokio::spawn(serve(near, FROM, never));
    far.write_all(&Encoder::default().opening("secret")).await.unwrap();
    assert_eq!(said(served).await, "nothing was published within 20 s");
}
