"""The only HTTP client of the product: a URL goes in, a FetchResult comes out, and nothing the network does is raised."""
