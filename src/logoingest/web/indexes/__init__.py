"""Large tables by small arrays, made once for a table's state: pictures by id, URL, class and split; answers by picture, worker and host."""
