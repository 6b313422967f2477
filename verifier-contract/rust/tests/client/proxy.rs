//! A node that is not quite right: what it answers to some questions is changed on the way from a good one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{json, Value};

/// What an answer becomes: given the method, its parameters, and the good node's answer.
type Change = fn(&str, &Value, Value) -> Value;

/// Passes questions on to the node at `url`, and its answers back through `change`; returns its own address. It ends
/// with the process.
pub fn start(url: &str, change: Change) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = format!("http://{}", listener.local_addr().unwrap());
    let node = url.trim_start_matches("http://").to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that hangs up is none of our business.
            let _ = answer(stream.unwrap(), &node, change);
        }
    });
    ours
}

fn answer(mut client: TcpStream, node: &str, change: Change) -> std::io::Result<()> {
    let question = body(&client)?;
    let mut upstream = TcpStream::connect(node)?;
    send(&mut upstream, &format!("POST / HTTP/1.1\r\nHost: {node}\r\n"), &question)?;
    let answer: Value = serde_json::from_slice(&body(&upstream)?)?;
    let question: Value = serde_json::from_slice(&question)?;
    let changed = change(question["method"].as_str().unwrap(), &question["params"], answer);
    send(&mut client, "HTTP/1.1 200 OK\r\n", changed.to_string().as_bytes())
}

/// The body of a message whose length is told.
fn body(stream: &TcpStream) -> std::io::Result<Vec<u8>> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}

fn send(stream: &mut TcpStream, first: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    write!(stream, "{first}Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(body)
}

/// An error as the answer to the question that `answer` was for.
pub fn error(answer: &Value, code: i64, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": answer["id"], "error": { "code": code, "message": message } })
}
