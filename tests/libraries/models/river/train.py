"""A pipeline of river, which learns one record at a time and answers one."""

from river import compose, linear_model, preprocessing
from save import save

records = [{"age": 20 + i, "town": "AB"[i % 2]} for i in range(30)]
numbers = compose.Select("age") | preprocessing.StandardScaler()
model = (
    numbers + (compose.Select("town") | preprocessing.OneHotEncoder())
) | linear_model.LogisticRegression()
for record in records:
    model.learn_one(record, record["age"] > 34)
save(model, records[:9], [model.predict_one(record) for record in records[:9]])
