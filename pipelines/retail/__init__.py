"""Retail: sales, products, customers, inventory and campaigns from files to tables."""
