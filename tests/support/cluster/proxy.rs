//! A TCP proxy that can drop connections silently, as a NAT or a lost node does (no data arrives and
//! neither side sees an error), and that can switch to another server.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::free_port;

/// Forwards connections while the test's process lives.
pub struct Proxy {
    /// The port that it listens on.
    pub port: u16,
    /// The current generation; connections of earlier generations are dead.
    age: Arc<AtomicUsize>,
    target: Arc<Mutex<(String, u16)>>,
}

impl Proxy {
    /// A proxy to an address and port.
    pub fn to(target: (String, u16)) -> Self {
        Self::at(free_port(), target)
    }

    /// A proxy that listens on a given port.
    pub fn at(port: u16, target: (String, u16)) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
        let (age, target) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(target)));
        let (current, leads_to) = (Arc::clone(&age), Arc::clone(&target));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (host, port) = leads_to.lock().expect("not poisoned").clone();
                let Ok(server) = TcpStream::connect((host.as_str(), port)) else {
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
        Self { port, age, target }
    }

    /// Sends new connections to another server; open connections do not change.
    pub fn lead_to(&self, target: (String, u16)) {
        *self.target.lock().expect("not poisoned") = target;
    }

    /// Drops every open connection silently; new connections work.
    pub fn forget_connections(&self) {
        self.age.fetch_add(1, Ordering::SeqCst);
    }
}

/// Copies one direction. Data and the end of a dead connection are discarded.
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
