//! A way to a server on which connections can die as they do when a NAT or a node forgets them:
//! nothing arrives any more, and nobody is told.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::free_port;

/// Forwards connections while the test's process lives.
pub struct Proxy {
    /// Where it listens.
    pub port: u16,
    /// Connections of an earlier age are dead.
    age: Arc<AtomicUsize>,
}

impl Proxy {
    /// A proxy to an address and port.
    pub fn to(target: (String, u16)) -> Self {
        Self::at(free_port(), target)
    }

    /// The same at a port that is known already.
    pub fn at(port: u16, target: (String, u16)) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
        let age = Arc::new(AtomicUsize::new(0));
        let current = Arc::clone(&age);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect((target.0.as_str(), target.1)) else {
                    continue;
                };
                let born = current.load(Ordering::SeqCst);
                let alive = |current: &Arc<AtomicUsize>| {
                    let current = Arc::clone(current);
                    move || current.load(Ordering::SeqCst) == born
                };
                let back = (server.try_clone().expect("the same"), client.try_clone());
                copy(client, server, alive(&current));
                copy(back.0, back.1.expect("the same"), alive(&current));
            }
        });
        Self { port, age }
    }

    /// Every connection that is open dies; new ones work.
    pub fn forget_connections(&self) {
        self.age.fetch_add(1, Ordering::SeqCst);
    }
}

/// Copies one direction. What a dead connection says goes nowhere, its end included.
fn copy(mut from: TcpStream, mut to: TcpStream, alive: impl Fn() -> bool + Send + 'static) {
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        loop {
            let read = from.read(&mut buffer).unwrap_or(0);
            if !alive() {
                if read == 0 {
                    return;
                }
                continue;
            }
            if read == 0 || to.write_all(&buffer[..read]).is_err() {
                let _ = (to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both));
                return;
            }
        }
    });
}
