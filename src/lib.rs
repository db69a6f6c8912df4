//! humanlayer
