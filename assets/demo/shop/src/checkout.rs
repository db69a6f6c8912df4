//! From a cart to an order.

use crate::{Cart, Db, Order, Result};

pub async fn checkout(db: &Db, cart: &Cart) -> Result<Order> {
    let mut total = 0;
    for line in &cart.lines {
        let product = db.product(line.product).await?;
        let tax = db.tax(product.category).await?;
        total += line.count * (product.price + tax.of(product.price));
    }
    db.insert_order(cart, total).await
}
