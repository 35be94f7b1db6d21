"""The evaluation plan (评价方案): one file that names the data, the methods and the settings of a yearly evaluation."""
